import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { EtcdHistory } from '../../../broker/metadata/etcd-history.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { Etcd } from '../../support/etcd.ts'
import { EtcdStores, rememberedHistory, Watched } from '../../support/etcd-stores.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/until.ts'

const header = (revision: number, cluster = '1'): { cluster_id: string; revision: string } => ({
  cluster_id: cluster,
  revision: `${revision}`,
})

describe('what is known of an etcd', () => {
  const open = (file = rememberedHistory(), clock = new FakeClock()): EtcdHistory =>
    new EtcdHistory({ clock, logger: silentLogger, restoredKey: '/barnabas/c/restored', file })

  test('an answer that members did not agree on may be old', () => {
    const history = open()
    history.observe(header(10))
    expect(history.observe(header(7))).toBeUndefined()
    expect(history.revision).toBe(10)
  })

  test('an agreed answer is only compared with what was known before it was asked for', () => {
    const history = open()
    history.observe(header(10))
    expect(history.observe(header(7), 7)).toBeUndefined()
    expect(history.observe(header(7), 8)?.message).toContain('from revision 8 to 7')
  })

  test('another cluster is refused whatever its revision, and stays refused', () => {
    const history = open()
    history.observe(header(10))
    const refusal = history.observe(header(500, '2'))
    expect(refusal?.message).toContain('etcdctl put /barnabas/c/restored 10')
    expect(history.observe(header(11))).toBe(refusal)
    expect(history.revision).toBe(10)
  })

  test('is written down a moment later, and when it is closed', () => {
    const file = rememberedHistory()
    const clock = new FakeClock()
    const history = open(file, clock)
    history.observe(header(10))
    history.observe(header(11))
    expect(file.read()).toBeUndefined()
    clock.advance(1000)
    expect(file.read()).toEqual({ etcdCluster: '1', revision: 11 })
    history.observe(header(12))
    history.close()
    expect(file.read()).toEqual({ etcdCluster: '1', revision: 12 })
    expect(clock.pendingTimers).toBe(0)
  })

  test('a refused etcd is not taken for the known one', () => {
    const file = rememberedHistory()
    const history = open(file)
    history.observe(header(10))
    history.observe(header(3), 10)
    history.close()
    expect(open(file).begin(header(3), Number.NaN)?.message).toContain('from revision 10 to 3')
  })

  test.each([
    ['another restore before', 9, false],
    ['this one', 10, true],
    ['this one, by a broker that knew more', 12, true],
  ])('an older state is accepted by the acknowledgement of %s', (_, upTo, accepted) => {
    const file = rememberedHistory()
    file.write({ etcdCluster: '1', revision: 10 })
    const history = open(file)
    expect(history.begin(header(5, '2'), upTo) === undefined).toBe(accepted)
    if (!accepted) return
    expect(file.read()).toEqual({ etcdCluster: '2', revision: 5 })
    expect(history.observe(header(6, '2'), 5)).toBeUndefined()
  })
})

describe('an etcd that was restored from a backup', () => {
  const dispose: (() => Promise<void> | void)[] = []
  afterEach(async () => {
    for (const one of dispose.splice(0).toReversed()) await one()
  })

  async function start(): Promise<{ etcd: Etcd; stores: EtcdStores; backup: string }> {
    const backup = mkdtempSync(join(tmpdir(), 'barnabas-etcd-backup-'))
    dispose.push(() => rmSync(backup, { recursive: true, force: true }))
    const etcd = await Etcd.start()
    dispose.push(() => etcd.remove())
    const stores = new EtcdStores(etcd)
    dispose.push(() => stores.close())
    return { etcd, stores, backup }
  }

  test('is noticed by an open store, which ends its watches and takes nothing any more', async () => {
    const { etcd, stores, backup } = await start()
    const [member] = etcd.members
    const store = await stores.open()
    await store.commit({ put: [{ key: 'a', value: 'old' }] })
    await member!.kill()
    member!.saveTo(backup)
    member!.start()
    await etcd.serves()
    const watched = Watched.of(store, (await store.read('')).revision + 1)
    await store.commit({ put: [{ key: 'a', value: 'new' }] })
    await member!.kill()
    member!.restoreFrom(backup)
    member!.start()
    await until(() => watched.ended !== undefined, 'the watch ends', 30_000)
    expect(watched.ended?.message).toMatch(/went back from revision \d+ to \d+/)
    await expect(store.commit({ put: [{ key: 'a', value: 'newer' }] })).rejects.toThrow(/went back/)
    await expect(store.read('')).rejects.toThrow(/went back/)
  })

  test('is refused by the next start, until somebody acknowledges it', async () => {
    const { etcd, stores } = await start()
    const [member] = etcd.members
    const options = { clusterUid: 'c', historyFile: rememberedHistory() }
    const store = await stores.open(options)
    const { revision } = await store.commit({ put: [{ key: 'a', value: '1' }] })
    await stores.close()
    await member!.kill()
    member!.lose()
    member!.start()
    await etcd.serves()
    await expect(stores.open(options)).rejects.toThrow(`etcdctl put /barnabas/c/restored ${revision}`)
    await expect(stores.open(options)).rejects.toThrow(`etcdctl put /barnabas/c/restored ${revision}`)
    await etcd.put('/barnabas/c/restored', `${revision}`)
    const again = await stores.open(options)
    expect((await again.read('')).entries).toEqual([])
    await stores.close()
    await stores.open(options)
  })
})
