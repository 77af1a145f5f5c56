import { promises } from 'node:dns'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { OutcomeUnknown, StoreUnavailable } from '../../../broker/metadata/metadata-store.ts'
import type { EtcdTls } from '../../../broker/metadata/etcd-client.ts'
import { type Certificates, makeCertificates } from '../../support/certificates.ts'
import { Etcd } from '../../support/etcd.ts'
import { EtcdStores, Watched } from '../../support/etcd-stores.ts'
import { Proxy } from '../../support/proxy.ts'
import { until } from '../../support/until.ts'
import { waitUntil } from '../../targets/processes.ts'

describe('calls to etcd', () => {
  const dispose: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const one of dispose.splice(0).toReversed()) await one()
  })

  async function start(
    options: Parameters<typeof Etcd.start>[0] = {},
  ): Promise<{ etcd: Etcd; stores: EtcdStores }> {
    const etcd = await Etcd.start(options)
    dispose.push(() => etcd.remove())
    const stores = new EtcdStores(etcd)
    dispose.push(() => stores.close())
    return { etcd, stores }
  }

  test('a commit whose answer is lost is told as unknown, and was made once', async () => {
    const { etcd, stores } = await start()
    const proxy = await Proxy.to(Number(new URL(etcd.endpoints[0]!).port))
    dispose.push(() => proxy.close())
    const store = await stores.open({
      clusterUid: 'c',
      connection: connection([`http://127.0.0.1:${proxy.port}`], { requestTimeoutMs: 500 }),
    })
    proxy.losesAnswers = true
    await expect(store.commit({ put: [{ key: 'a', value: '1' }] })).rejects.toThrow(OutcomeUnknown)
    proxy.losesAnswers = false
    proxy.cut()
    const { entry } = await (await stores.open({ clusterUid: 'c' })).get('a')
    expect(entry?.value).toBe('1')
    expect(entry?.createRevision).toBe(entry?.modRevision)
  })

  test('a commit while etcd cannot be reached surely did nothing, and a read says that there is no etcd', async () => {
    const { etcd, stores } = await start()
    const store = await stores.open({ connection: connection(etcd.endpoints, { requestTimeoutMs: 500 }) })
    await etcd.members[0]!.kill()
    await waitUntil('the connection is seen to be gone', async () => {
      const outcome = await store.commit({ put: [{ key: 'a', value: '1' }] }).catch((error: unknown) => error)
      return outcome instanceof StoreUnavailable ? true : undefined
    })
    await expect(store.get('a')).rejects.toThrow(StoreUnavailable)
    await expect(store.get('a')).rejects.toThrow(/etcd cannot be reached.*127\.0\.0\.1/)
  })

  test('names of members that are not there are passed over, also when the one that is there goes and comes back', async () => {
    const { etcd, stores } = await start()
    const absent = [1, 2, 3, 4].map(index => `http://etcd-${index}.invalid:2379`)
    const endpoints = [...absent.slice(0, 2), ...etcd.endpoints, ...absent.slice(2)]
    const store = await stores.open({ connection: connection(endpoints, { requestTimeoutMs: 5000 }) })
    const watched = Watched.of(store, 1)
    for (const value of ['1', '2', '3']) {
      await store.commit({ put: [{ key: 'a', value }] })
      await etcd.members[0]!.kill()
      etcd.members[0]!.start()
      await etcd.serves()
    }
    expect((await store.get('a')).entry?.value).toBe('3')
    await until(() => watched.events.length === 3, 'all changes are told')
    expect(watched.events).toEqual(['a=1', 'a=2', 'a=3'])
    watched.cancel()
  })

  test('a member that comes back at another address behind its name is found within its time', async () => {
    const { etcd, stores } = await start()
    const etcdPort = Number(new URL(etcd.endpoints[0]!).port)
    let address = '127.0.0.2'
    let isAsked = false
    const { lookup } = promises
    const spied = vi.spyOn(promises, 'lookup').mockImplementation(((host: string, options: object) => {
      if (host !== 'etcd-0.moving') return lookup(host, options)
      isAsked = true
      return Promise.resolve([{ address, family: 4 }])
    }) as never)
    dispose.push(() => Promise.resolve(spied.mockRestore()))
    const first = await Proxy.to(etcdPort, { host: address })
    const { port } = first
    const endpoints = [`http://etcd-0.moving:${port}`]
    const store = await stores.open({ connection: connection(endpoints, { requestTimeoutMs: 10_000 }) })
    await store.commit({ put: [{ key: 'a', value: '1' }] })
    isAsked = false
    await first.close()
    const read = store.get('a')
    await until(() => isAsked, 'the name is looked up, and still leads to the old address')
    address = '127.0.0.3'
    const second = await Proxy.to(etcdPort, { host: address, port })
    dispose.push(() => second.close())
    expect((await read).entry?.value).toBe('1')
  })

  test('commits that wait behind a slow one are given up in their own time, and did nothing', async () => {
    const { etcd, stores } = await start()
    const store = await stores.open({ connection: connection(etcd.endpoints, { requestTimeoutMs: 500 }) })
    etcd.members[0]!.pause()
    const outcomes = await Promise.allSettled([
      store.commit({ put: [{ key: 'a', value: '' }] }),
      store.commit({ put: [{ key: 'b', value: '' }] }),
    ])
    expect(outcomes.map(outcome => (outcome as PromiseRejectedResult).reason)).toEqual([
      expect.any(OutcomeUnknown),
      expect.any(StoreUnavailable),
    ])
    etcd.members[0]!.resume()
  })

  test('with one of three members dead, and with one that hangs, the others are asked', async () => {
    const { etcd, stores } = await start({ members: 3 })
    const store = await stores.open()
    for (const member of etcd.members) {
      member.pause()
      await waitUntil('a change is taken', () =>
        store.commit({ put: [{ key: 'a', value: member.name }] }).then(
          () => true,
          () => undefined,
        ),
      )
      expect((await store.get('a')).entry?.value).toBe(member.name)
      member.resume()
      await etcd.serves()
    }
    await etcd.members[0]!.kill()
    await waitUntil('a change is taken', () =>
      store.commit({ put: [{ key: 'a', value: 'end' }] }).then(
        () => true,
        () => undefined,
      ),
    )
  })

  test('without a quorum everything is refused in time, and works again when it is back', async () => {
    const { etcd, stores } = await start({ members: 3 })
    const store = await stores.open({ connection: connection(etcd.endpoints, { requestTimeoutMs: 1000 }) })
    const [first, second] = etcd.members
    await Promise.all([first!.kill(), second!.kill()])
    await expect(store.get('a')).rejects.toThrow(StoreUnavailable)
    await expect(store.commit({ put: [{ key: 'a', value: '' }] })).rejects.toThrow(/etcd/)
    first!.start()
    second!.start()
    await etcd.serves()
    await until(
      () =>
        store.get('a').then(
          () => true,
          () => false,
        ),
      'etcd answers again',
    )
  })

  test('a full etcd is told in a sentence, and what it holds is still read', async () => {
    const { etcd, stores } = await start({ flags: [`--quota-backend-bytes=${2 * 1024 * 1024}`] })
    const store = await stores.open()
    await store.commit({ put: [{ key: 'a', value: '1' }] })
    const fill = (at: number): Promise<unknown> => etcd.put(`/other/${at}`, 'x'.repeat(300_000))
    let at = 0
    await waitUntil('etcd is full', () =>
      fill(at++).then(
        () => undefined,
        () => true,
      ),
    )
    const full = store.commit({ put: [{ key: 'b', value: '' }] })
    await expect(full).rejects.toThrow(StoreUnavailable)
    await expect(full).rejects.toThrow(/NOSPACE.*etcdctl alarm disarm/)
    expect((await store.get('a')).entry?.value).toBe('1')
    expect(store.stats.failures.get('commit')?.get('no-space')).toBe(1)
  })

  test('TLS with certificates on both sides', async () => {
    const { etcd, stores } = await start({ tls: true })
    const tls = () => tlsOf(etcd.certificates!)
    const store = await stores.open({ connection: connection(etcd.endpoints, { tls }) })
    const watched = Watched.of(store, (await store.read('')).revision + 1)
    await store.commit({ put: [{ key: 'a', value: '1' }] })
    await until(() => watched.events.length === 1, 'the change is told')
    const stranger = stores.open({ connection: connection(etcd.endpoints, { requestTimeoutMs: 500 }) })
    await expect(stranger).rejects.toThrow(StoreUnavailable)
  })

  test('certificates that are replaced are taken up, those of a new authority too', async () => {
    const { etcd, stores } = await start({ tls: true })
    let current = tlsOf(etcd.certificates!)
    const store = await stores.open({
      connection: connection(etcd.endpoints, { tls: () => current, requestTimeoutMs: 1000 }),
    })
    const watched = Watched.of(store, (await store.read('')).revision + 1)
    await store.commit({ put: [{ key: 'a', value: '1' }] })

    const directory = mkdtempSync(join(tmpdir(), 'barnabas-certificates-'))
    dispose.push(() => Promise.resolve(rmSync(directory, { recursive: true })))
    const others = await makeCertificates(directory)
    await etcd.members[0]!.kill()
    etcd.members[0]!.start([
      `--cert-file=${others.server.certificate}`,
      `--key-file=${others.server.key}`,
      `--trusted-ca-file=${others.ca}`,
    ])
    await expect(store.get('a')).rejects.toThrow(StoreUnavailable)
    current = tlsOf(others)
    await until(
      () =>
        store.commit({ put: [{ key: 'a', value: '2' }] }).then(
          () => true,
          () => false,
        ),
      'etcd lets us in again',
      30_000,
    )
    await until(() => watched.events.at(-1) === 'a=2', 'the watch goes on')
  })

  test('user and password: rights below the prefix are enough, and tokens that ran out are renewed', async () => {
    const { etcd, stores } = await start({ flags: ['--auth-token-ttl=1'] })
    await etcd.requireUsers({ name: 'barnabas', password: 'secret', prefix: '/barnabas/' })
    const user = { username: 'barnabas', password: 'secret' }
    const store = await stores.open({ clusterUid: 'c', connection: connection(etcd.endpoints, user) })
    const watched = Watched.of(store, (await store.read('')).revision + 1)
    const lease = await store.lease(10_000)
    await store.commit({ put: [{ key: 'a', value: '1', lease: lease.id }] })
    await lease.keepAlive()
    // Restarted, etcd knows none of the tokens it gave.
    await etcd.members[0]!.kill()
    etcd.members[0]!.start()
    await waitUntil('etcd is back', () =>
      store.get('a').then(
        () => true,
        () => undefined,
      ),
    )
    await lease.keepAlive()
    await store.commit({ put: [{ key: 'a', value: '2', lease: lease.id }] })
    await until(() => watched.events.at(-1) === 'a=2', 'the watch goes on')
    await lease.revoke()

    const wrong = connection(etcd.endpoints, { ...user, password: 'wrong' })
    await expect(stores.open({ connection: wrong })).rejects.toThrow(/etcd\.username and etcd\.password/)
    await expect(stores.open()).rejects.toThrow(/give etcd\.username/)
    const elsewhere = stores.open({ prefix: '/else', connection: connection(etcd.endpoints, user) })
    await expect(elsewhere).rejects.toThrow(/grant it reading and writing/)
  })

  test('a user given to an etcd without authentication does no harm', async () => {
    const { etcd, stores } = await start()
    const store = await stores.open({
      connection: connection(etcd.endpoints, { username: 'somebody', password: 'secret' }),
    })
    await store.commit({ put: [{ key: 'a', value: '1' }] })
    expect((await store.get('a')).entry?.value).toBe('1')
  })

  test('two clusters in one etcd see nothing of each other, and nothing stands outside their prefixes', async () => {
    const { etcd, stores } = await start()
    const one = await stores.open({ clusterUid: 'one' })
    const two = await stores.open({ clusterUid: 'one-more' })
    const watched = Watched.of(one, (await one.read('')).revision + 1)
    await two.commit({ put: [{ key: 'a', value: 'two' }] })
    await one.commit({ put: [{ key: 'a', value: 'one' }] })
    await until(() => watched.events.length > 0, 'the change is told')
    expect(watched.events).toEqual(['a=one'])
    expect((await two.read('')).entries.map(({ value }) => value)).toEqual(['two'])
    expect(await etcd.keys()).toEqual(['/barnabas/one-more/a', '/barnabas/one/a'])
  })
})

function connection(endpoints: readonly string[], more: object): never {
  // The rest is filled in by EtcdStores.
  return { endpoints, ...more } as never
}

function tlsOf({ ca, client }: Certificates): EtcdTls {
  return {
    ca: readFileSync(ca),
    certificate: readFileSync(client.certificate),
    key: readFileSync(client.key),
  }
}
