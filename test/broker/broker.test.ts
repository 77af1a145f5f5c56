import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import {
  deleteRecords,
  describeConfigs,
  describeProducers,
  fetch,
  offsetForLeaderEpoch,
} from '../../protocol/index.ts'
import {
  batchOf,
  fetchFrom,
  fetchRequest,
  metadataOf,
  newProducerId,
  offsetAt,
  produceTo,
  readAll,
  resource,
  setConfigs,
  topicOf,
} from '../support/requests.ts'
import { RunningBroker } from '../support/running-broker.ts'
import { until } from '../support/until.ts'

let broker: RunningBroker | undefined

afterEach(async () => {
  await broker?.remove()
  broker = undefined
})

async function started(settings: Readonly<Record<string, string>> = {}) {
  broker = await RunningBroker.start({ settings })
  return { broker, client: await broker.connect() }
}

async function leaderEpochOf(
  client: Awaited<ReturnType<RunningBroker['connect']>>,
  topic: string,
): Promise<number> {
  return (await metadataOf(client, [topic])).topics[0]?.partitions[0]?.leaderEpoch ?? -2
}

test.each(['a clean stop', 'a kill'] as const)(
  'after %s topics, records, settings, producers and offsets are as they were',
  async kind => {
    let { client } = await started()
    const topicId = await topicOf(client, 'kept', { partitions: 3, configs: { 'max.message.bytes': '5000' } })
    await setConfigs(client, resource.broker, '', { 'log.retention.ms': '123456' })
    const producerId = await newProducerId(client)
    const batch = (baseSequence: number) =>
      batchOf([`v${baseSequence}`], { producerId, producerEpoch: 0, baseSequence })
    for (let at = 0; at < 4; at++) await produceTo(client, 'kept', batch(at))
    await produceTo(client, 'kept', batchOf(['packed'], { compression: 'zstd' }), { partition: 2 })
    const clusterId = broker?.broker.clusterId
    const epoch = await leaderEpochOf(client, 'kept')

    if (kind === 'a kill') broker = await broker?.killAndStart()
    else broker = await broker?.restart()
    client = await broker!.connect()

    expect(broker?.broker.clusterId).toBe(clusterId)
    expect((await metadataOf(client, ['kept'])).topics[0]).toMatchObject({ errorCode: 0, topicId })
    expect(await readAll(client, 'kept')).toEqual(['v0', 'v1', 'v2', 'v3'])
    expect(await readAll(client, 'kept', { partition: 2 })).toEqual(['packed'])
    expect(await fetchFrom(client, 'kept')).toMatchObject({ highWatermark: 4, lastStableOffset: 4 })
    expect(await leaderEpochOf(client, 'kept')).toBeGreaterThan(epoch)
    expect((await produceTo(client, 'kept', batchOf(['x'.repeat(6000)]))).error).toBe('MESSAGE_TOO_LARGE')
    const described = await client.request(describeConfigs, 4, {
      resources: [{ resourceType: 2, resourceName: 'kept', configurationKeys: ['retention.ms'] }],
    })
    expect(described.results[0]?.configs[0]).toMatchObject({ value: '123456', configSource: 3 })

    expect(await newProducerId(client)).not.toBe(producerId)
    for (let at = 0; at < 4; at++) {
      expect(await produceTo(client, 'kept', batch(at))).toMatchObject({ error: 'NONE', baseOffset: at })
    }
    expect((await produceTo(client, 'kept', batch(6))).error).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect(await produceTo(client, 'kept', batch(4))).toMatchObject({ error: 'NONE', baseOffset: 4 })
  },
)

test('the start of a log that was cut is kept over a clean stop', async () => {
  let { client } = await started()
  await topicOf(client, 'cut')
  for (const value of ['a', 'b', 'c']) await produceTo(client, 'cut', batchOf([value]))
  await client.request(deleteRecords, 2, {
    topics: [{ name: 'cut', partitions: [{ partitionIndex: 0, offset: 2 }] }],
    timeoutMs: 1000,
  })
  broker = await broker?.restart()
  client = await broker!.connect()
  expect((await offsetAt(client, 'cut', -2)).offset).toBe(2)
  expect(await readAll(client, 'cut', { offset: 2 })).toEqual(['c'])
})

test('every leader epoch of a log keeps its end', async () => {
  let { client } = await started()
  await topicOf(client, 'epochs')
  const ends: { epoch: number; end: number }[] = []
  for (let round = 1; round <= 3; round++) {
    await produceTo(client, 'epochs', batchOf(['x']))
    ends.push({ epoch: await leaderEpochOf(client, 'epochs'), end: round })
    if (round < 3) {
      broker = await broker?.restart()
      client = await broker!.connect()
    }
  }
  for (const { epoch, end } of ends) {
    const answer = await client.request(offsetForLeaderEpoch, 4, {
      topics: [{ topic: 'epochs', partitions: [{ partition: 0, leaderEpoch: epoch }] }],
    })
    expect(answer.topics[0]?.partitions[0]).toMatchObject({
      errorCode: 0,
      leaderEpoch: epoch,
      endOffset: end,
    })
  }
  const old = await fetchFrom(client, 'epochs', { currentLeaderEpoch: ends[0]?.epoch ?? -1 })
  expect(old.error).toBe('FENCED_LEADER_EPOCH')
})

test('a topic made just before the broker stopped is there, and a deleted one stays away', async () => {
  let { client } = await started()
  await topicOf(client, 'made')
  broker = await broker?.restart()
  client = await broker!.connect()
  expect((await metadataOf(client, ['made'])).topics[0]?.errorCode).toBe(0)
  expect((await produceTo(client, 'made', batchOf(['a']))).error).toBe('NONE')
})

test('a stop lets waiting requests be answered and comes to its end', async () => {
  const { broker: running, client } = await started()
  await topicOf(client, 'waits')
  const waiting = await running.connect()
  const answer = waiting.request(fetch, 12, fetchRequest('waits', { maxWaitMs: 600_000 }))
  const inWork = 'kafka_network_requestchannel_requestqueuesize 1'
  await until(async () => (await running.metric()).includes(inWork), 'the fetch waits')
  const startedAtMs = performance.now()
  await running.broker.stop()
  expect(performance.now() - startedAtMs).toBeLessThan(4000)
  expect((await answer).errorCode).toBe(0)
  expect(existsSync(join(running.directory, 'data', '.kafka_cleanshutdown'))).toBe(true)
  expect(running.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])
})

test('a stop serves those who still come until they have heard of it', async () => {
  const { broker: running, client } = await started({ 'controlled.shutdown.delay.ms': '1000' })
  await topicOf(client, 'late')
  const stopping = running.broker.stop()
  const late = await running.connect()
  await produceTo(late, 'late', batchOf(['a']))
  await stopping
  broker = await RunningBroker.start({ directory: running.directory })
  expect(await readAll(await broker.connect(), 'late')).toHaveLength(1)
})

test('stopping twice is stopping once', async () => {
  const { broker: running } = await started()
  await Promise.all([running.broker.stop(), running.broker.stop()])
})

test('a second broker does not start on a directory that is in use', async () => {
  const { broker: running } = await started()
  await expect(RunningBroker.start({ directory: running.directory })).rejects.toThrow(
    'two brokers must not share a directory',
  )
  expect((await (await running.connect()).request(describeProducers, 0, { topics: [] })).topics).toEqual([])
})

test('a broker with another id does not take the directory of this one', async () => {
  const { broker: running } = await started()
  await running.stop()
  await expect(
    RunningBroker.start({ directory: running.directory, settings: { 'node.id': '2' } }),
  ).rejects.toThrow('belongs to node 1, but this broker has node.id=2')
})

test('health and figures are told over HTTP', async () => {
  const { broker: running, client } = await started()
  await topicOf(client, 'counted')
  await produceTo(client, 'counted', batchOf(['a', 'b']))
  await readAll(client, 'counted')
  expect(JSON.parse(await running.metric('/healthz'))).toEqual({ alive: true, reasons: [] })
  expect(JSON.parse(await running.metric('/readyz'))).toEqual({ ready: true, reasons: [] })
  const metrics = await running.metric()
  expect(metrics).toMatch(
    /^kafka_server_brokertopicmetrics_messagesin_total\{[^}]*topic="counted"[^}]*\} 2$/m,
  )
  expect(metrics).toMatch(/^kafka_server_replicamanager_leadercount(\{[^}]*\})? 1$/m)
  expect(metrics).toMatch(/^kafka_controller_kafkacontroller_activecontrollercount(\{[^}]*\})? 1$/m)
  expect(metrics).toMatch(/^barnabas_controller_epoch(\{[^}]*\})? [1-9]\d*$/m)
})

test('a new cluster gets the id it was told to have, and refuses another one later', async () => {
  const id = 'abcdefghijklmnopqrstuv'
  broker = await RunningBroker.start({ settings: { 'cluster.id': id } })
  expect(broker.broker.clusterId).toBe(id)
  const { directory } = broker
  await broker.stop()
  await expect(
    RunningBroker.start({ directory, settings: { 'cluster.id': 'ABCDEFGHIJKLMNOPQRSTUV' } }),
  ).rejects.toThrow(`The metadata store belongs to cluster ${id}`)
})

test('data directories that the metadata knows nothing of are refused and left as they are', async () => {
  const { broker: running, client } = await started({ 'cluster.id': 'abcdefghijklmnopqrstuv' })
  await topicOf(client, 'precious')
  await running.stop()
  rmSync(join(running.directory, 'data', '.metadata'), { recursive: true })
  for (const attempt of ['first', 'second']) {
    await expect(
      RunningBroker.start({
        directory: running.directory,
        settings: { 'cluster.id': 'abcdefghijklmnopqrstuv' },
      }),
      attempt,
    ).rejects.toThrow('hold 1 replicas (precious-0), but the metadata is new')
  }
  expect(existsSync(join(running.directory, 'data', 'precious-0'))).toBe(true)
})
