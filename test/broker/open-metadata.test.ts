import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { Etcd } from '../support/etcd.ts'
import { batchOf, createTopic, fetchFrom, produceTo, topicOf, valuesIn } from '../support/requests.ts'
import { RunningBroker, type RunningBrokerOptions } from '../support/running-broker.ts'
import { freePorts, waitUntil } from '../targets/processes.ts'

describe('a broker with its metadata in etcd', () => {
  const dispose: (() => Promise<unknown> | void)[] = []
  afterEach(async () => {
    for (const one of dispose.splice(0).toReversed()) await one()
  })

  async function startEtcd(): Promise<Etcd> {
    const etcd = await Etcd.start()
    dispose.push(() => etcd.remove())
    return etcd
  }

  async function startBroker(etcd: Etcd, options: RunningBrokerOptions = {}): Promise<RunningBroker> {
    const broker = await RunningBroker.start({
      ...options,
      settings: {
        'etcd.connect': etcd.endpoints.join(','),
        'etcd.request.timeout.ms': '1000',
        'cluster.id': 'demo',
        'control.listeners': 'http://127.0.0.1:0',
        'broker.session.timeout.ms': '3000',
        'broker.heartbeat.interval.ms': '500',
        ...options.settings,
      },
    })
    dispose.push(() => broker.remove())
    return broker
  }

  function directory(): string {
    const made = mkdtempSync(join(tmpdir(), 'barnabas-broker-'))
    dispose.push(() => rmSync(made, { recursive: true, force: true }))
    return made
  }

  test('serves, finds everything again after a restart, and writes nothing outside its prefix', async () => {
    const etcd = await startEtcd()
    const before = await startBroker(etcd)
    const client = await before.connect()
    await topicOf(client, 'kept', { partitions: 2 })
    await produceTo(client, 'kept', batchOf(['a']), { partition: 1 })
    expect(await before.metric()).toMatch(
      /barnabas_etcd_request_latency_seconds_count\{operation="commit"\} [1-9]/,
    )
    const after = await before.restart()
    dispose.push(() => after.remove())
    const { records } = await fetchFrom(await after.connect(), 'kept', { partition: 1, offset: 0 })
    expect(valuesIn(records)).toEqual(['a'])
    const keys = await etcd.keys()
    expect(keys.filter(key => !key.startsWith('/barnabas/demo/'))).toEqual([])
    expect(keys).toContain('/barnabas/demo/topic-names/kept')
  })

  test('waits for an etcd that is away, says so, and then serves', async () => {
    const etcd = await startEtcd()
    await etcd.members[0]!.kill()
    const [port] = await freePorts(1)
    const starting = startBroker(etcd, { settings: { 'http.listeners': `http://127.0.0.1:${port}` } })
    const reasons = await waitUntil('it says what it waits for', async () => {
      const text = await fetch(`http://127.0.0.1:${port}/readyz`).then(
        answer => answer.text(),
        () => '',
      )
      return text.includes('WaitingForEtcd') ? text : undefined
    })
    expect(reasons).toContain('etcd cannot be reached')
    etcd.members[0]!.start()
    const broker = await starting
    await topicOf(await broker.connect(), 'made')
    expect(broker.lines.map(({ msg }) => msg)).toContain('The broker waits for etcd.')
  })

  test('that waits for etcd ends at once when it is asked to stop', async () => {
    const etcd = await startEtcd()
    await etcd.members[0]!.kill()
    const stop = new AbortController()
    const starting = startBroker(etcd, { stopAsked: stop.signal, directory: directory() })
    stop.abort(new Error('Stopped.'))
    await expect(starting).rejects.toThrow('Stopped.')
  })

  test('goes on with data while etcd is away, refuses changes with an error to be retried, and recovers', async () => {
    const etcd = await startEtcd()
    const broker = await startBroker(etcd)
    const client = await broker.connect()
    await topicOf(client, 'data')
    const epochBefore = await epochOf(etcd)
    await etcd.members[0]!.kill()
    // Longer than the lease: the broker no longer counts on it.
    const deadline = performance.now() + 4000
    for (let sent = 0; performance.now() < deadline; sent++) {
      expect((await produceTo(client, 'data', batchOf([`${sent}`]))).error).toBe('NONE')
      expect((await fetchFrom(client, 'data', { offset: sent })).error).toBe('NONE')
    }
    const refused = await createTopic(client, 'refused', { timeoutMs: 3000 })
    expect(['NOT_CONTROLLER', 'REQUEST_TIMED_OUT']).toContain(refused.error)
    expect(refused.errorMessage).toMatch(/\w+ .*\./)

    etcd.members[0]!.start()
    await waitUntil('topics are made again', async () => {
      const { error } = await createTopic(client, 'made', { timeoutMs: 3000 })
      return error === 'NONE' || error === 'TOPIC_ALREADY_EXISTS' ? true : undefined
    })
    expect((await produceTo(client, 'made', batchOf(['a']))).error).toBe('NONE')
    expect(await epochOf(etcd)).toBeGreaterThanOrEqual(epochBefore)
    expect(broker.fatal).toEqual([])
  })

  test('registers anew when its lease was taken away', async () => {
    const etcd = await startEtcd()
    const broker = await startBroker(etcd)
    const client = await broker.connect()
    const before = await epochOf(etcd)
    const { leases } = (await etcd.call('/v3/lease/leases', {})) as { leases: { ID: string }[] }
    for (const { ID } of leases) await etcd.call('/v3/lease/revoke', { ID })
    await waitUntil('topics are made again', async () => {
      const { error } = await createTopic(client, 'made', { timeoutMs: 3000 })
      return error === 'NONE' ? true : undefined
    })
    expect(await epochOf(etcd)).toBeGreaterThan(before)
    expect(broker.fatal).toEqual([])
  })

  test('a second broker with the same id is told to go, and the first one stays', async () => {
    const etcd = await startEtcd()
    const first = await startBroker(etcd)
    const epoch = await epochOf(etcd)
    const stop = new AbortController()
    const fatal = Promise.withResolvers<Error>()
    const second = startBroker(etcd, {
      stopAsked: stop.signal,
      directory: directory(),
      onFatal: error => fatal.resolve(error),
    })
    const error = await Promise.race([fatal.promise, second.then(() => new Error('It started.'))])
    expect(error.message).toMatch(/Another process is running as broker 1 .*127\.0\.0\.1:\d+.*node\.id/)
    stop.abort(error)
    await expect(second).rejects.toThrow('node.id')
    expect(await epochOf(etcd)).toBe(epoch)
    expect(first.fatal).toEqual([])
  })

  test('does not pass over metadata in its data directory, nor forget that it is in etcd', async () => {
    const etcd = await startEtcd()
    const alone = await RunningBroker.start({ directory: directory() })
    await alone.stop()
    await expect(startBroker(etcd, { directory: alone.directory })).rejects.toThrow(
      /\.metadata holds the metadata .* Remove etcd\.connect/,
    )
    const broker = await startBroker(etcd, { directory: directory() })
    await broker.stop()
    await expect(RunningBroker.start({ directory: broker.directory })).rejects.toThrow(
      /is in etcd, for cluster demo .* etcd\.connect is not set/,
    )
    await expect(
      startBroker(etcd, { directory: broker.directory, settings: { 'cluster.id': 'other' } }),
    ).rejects.toThrow(/is of cluster demo, but cluster\.id=other/)
  })

  test('goes on with data when etcd went back, and begins anew when that is said to be meant', async () => {
    const etcd = await startEtcd()
    const [member] = etcd.members
    const broker = await startBroker(etcd)
    const client = await broker.connect()
    await topicOf(client, 'data')
    await member!.kill()
    member!.lose()
    member!.start()
    await etcd.serves()
    const said = await waitUntil('it is noticed', () =>
      broker.lines.find(({ msg }) => String(msg).startsWith('etcd was restored')),
    )
    expect((await produceTo(client, 'data', batchOf(['a']))).error).toBe('NONE')
    expect((await createTopic(client, 'refused', { timeoutMs: 2000 })).error).not.toBe('NONE')
    expect(broker.fatal).toEqual([])
    expect(await etcd.keys()).toEqual([])

    const [, key, revision] = /etcdctl put (\S+) (\d+)/.exec(String(said['reason'])) ?? []
    await etcd.put(key ?? '', revision ?? '')
    await waitUntil('the broker wants to begin anew', () => (broker.fatal.length > 0 ? true : undefined))
    expect(broker.fatal[0]?.message).toContain('has to be started again')
  })

  async function epochOf(etcd: Etcd): Promise<number> {
    const answer = await etcd.call('/v3/kv/range', {
      key: Buffer.from('/barnabas/demo/brokers/1').toString('base64'),
    })
    const [entry] = (answer['kvs'] ?? []) as { create_revision: string }[]
    return Number(entry?.create_revision ?? 0)
  }
})
