import { expect, test } from 'vitest'
import { loadBrokerSettings } from '../../../broker/config/load-settings.ts'
import { topicSettingsFor } from '../../../broker/config/topic-settings.ts'
import type { ShardKind } from '../../../broker/coordinator/shard-kind.ts'
import { Shards } from '../../../broker/coordinator/shards.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import type { MetadataImage } from '../../../broker/metadata/image.ts'
import { Partition } from '../../../broker/replication/partition.ts'
import { zeroUuid } from '../../../protocol/index.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { leaderParts } from '../../support/leader-parts.ts'
import { aLog } from '../../support/a-log.ts'
import { until } from '../../support/until.ts'
import { aPartition, withTopic } from '../controller/image-of.ts'

/** The shard remembers what it was told, in order. */
const kind: ShardKind<string[], string> = {
  create: () => [],
  decode: key => key?.toString() ?? '',
  encode: entry => ({ key: Buffer.from(entry), value: Buffer.from(entry) }),
  apply: (state, entry) => state.push(entry),
  applyMarker: () => undefined,
  loaded: () => ({}),
}

function imageOf(changes: Parameters<typeof aPartition>[0] = {}): MetadataImage {
  return withTopic(emptyImage, 'topic', [changes])
}

/** Broker 1 with a real replica of the one partition, on a disk in memory. */
function setUp() {
  const harness = aLog()
  const loaded = loadBrokerSettings({ manifest: { 'node.id': '1' } })
  if (loaded.kind === 'invalid') throw new Error(loaded.mistakes.join('\n'))
  const settings = topicSettingsFor(new Map([['cleanup.policy', 'compact']]), loaded.settings)
  const state = (image: MetadataImage) => image.topicsByName.get('topic')!.partitions[0]!
  let image = imageOf({ leader: -1 })
  const { log, clock, turn } = harness
  const replica = new Partition({
    topic: 'topic',
    index: 0,
    topicId: zeroUuid,
    brokerId: 1,
    clock,
    turn,
    settings: () => settings,
    log,
    state: state(image),
    leaderParts: leaderParts(clock),
  })
  const shards = new Shards({
    topic: 'topic',
    brokerId: 1,
    kind,
    partitions: { get: (_, index) => (index === 0 ? replica : undefined) },
    clock,
    turn,
    logger: silentLogger,
    writeTimeoutMs: () => 5000,
    loadSliceBytes: () => 1000,
    compression: () => 'none',
  })
  const become = (changes: Parameters<typeof aPartition>[0]): void => {
    image = imageOf(changes)
    replica.apply(state(image))
    shards.apply(image)
  }
  const said: string[] = []
  const tell = (entry: string): void => {
    const shard = shards.forKey('any')
    if (typeof shard === 'string') said.push(shard)
    else
      shard.run<string>({
        decide: () => ({ records: [entry], response: `${entry} written` }),
        answer: response => said.push(response),
        fail: error => said.push(`${entry}: ${error}`),
      })
  }
  const active = () => until(() => shards.at(0)?.status === 'active', 'the shard has loaded')
  return { shards, replica, turn, log, become, tell, active, answered: () => said.splice(0) }
}

test('a shard lives where its partition is led, and finds what an earlier one wrote', async () => {
  const { shards, turn, become, tell, active, answered } = setUp()
  expect(shards.forKey('any')).toBe('COORDINATOR_NOT_AVAILABLE')
  become({ leader: 2, leaderEpoch: 1 })
  expect(shards.forKey('any')).toBe('NOT_COORDINATOR')

  become({ leader: 1, leaderEpoch: 2, isr: [1], replicas: [1] })
  tell('too early')
  await active()
  tell('a')
  expect(answered()).toEqual(['too early: COORDINATOR_LOAD_IN_PROGRESS'])
  turn.flush()
  expect(answered()).toEqual(['a written'])

  become({ leader: 2, leaderEpoch: 3 })
  tell('b')
  expect(answered()).toEqual(['NOT_COORDINATOR'])
  become({ leader: 1, leaderEpoch: 4, isr: [1], replicas: [1] })
  await active()
  expect(shards.at(0)?.state).toEqual(['a'])
})

test('an answer is not given while a replica in sync does not have the record', async () => {
  const { shards, turn, become, tell, active, answered } = setUp()
  become({ leader: 1, leaderEpoch: 1, isr: [1, 2], replicas: [1, 2] })
  await active()
  tell('a')
  turn.flush()
  expect(answered()).toEqual([])
  become({ leader: 1, leaderEpoch: 1, isr: [1], replicas: [1, 2], partitionEpoch: 1 })
  turn.flush()
  expect(answered()).toEqual(['a written'])
  shards.close()
})

test('who waits when leadership goes is told so', async () => {
  const { turn, become, tell, active, answered } = setUp()
  become({ leader: 1, leaderEpoch: 1, isr: [1, 2], replicas: [1, 2] })
  await active()
  tell('a')
  turn.flush()
  become({ leader: 2, leaderEpoch: 2, isr: [2], replicas: [1, 2] })
  expect(answered()).toEqual(['a: NOT_COORDINATOR'])
})

test('a new epoch is a new life, even under the same leader', async () => {
  const { shards, turn, become, tell, active } = setUp()
  become({ leader: 1, leaderEpoch: 1, isr: [1], replicas: [1] })
  await active()
  tell('a')
  turn.flush()
  const first = shards.at(0)
  become({ leader: 1, leaderEpoch: 1, isr: [1], replicas: [1] })
  expect(shards.at(0)).toBe(first)
  become({ leader: 1, leaderEpoch: 2, isr: [1], replicas: [1] })
  expect(shards.at(0)).not.toBe(first)
  expect(first?.status).toBe('closed')
  await active()
  expect(shards.at(0)?.state).toEqual(['a'])
})

test('with its topic the shard is gone, and a closed coordinator opens none', async () => {
  const { shards, become, active } = setUp()
  become({ leader: 1, leaderEpoch: 1, isr: [1], replicas: [1] })
  await active()
  shards.apply(emptyImage)
  expect(shards.forKey('any')).toBe('COORDINATOR_NOT_AVAILABLE')
  expect([...shards.all()]).toEqual([])
  shards.close()
  become({ leader: 1, leaderEpoch: 2, isr: [1], replicas: [1] })
  expect([...shards.all()]).toEqual([])
  expect(shards.forKey('any')).toBe('COORDINATOR_NOT_AVAILABLE')
})
