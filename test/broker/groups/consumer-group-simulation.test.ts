import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ConsumerGroupBench } from '../../support/consumer-group-bench.ts'
import { ClassicClient, ConsumerClient, type SimulatedClient } from '../../support/consumer-group-clients.ts'

const names = ['a', 'b', 'c', 's', 'k', 'l'] as const
const topicNames = ['t', 'u', 'v']

type Act =
  | { kind: 'poll' | 'revoke' | 'leave' | 'loseAnswer'; client: number }
  | { kind: 'subscribe'; client: number; topics: string[] }
  | { kind: 'topic'; topic: string; partitions: number }
  | { kind: 'deleteTopic'; topic: string }
  | { kind: 'advance'; ms: number }
  | { kind: 'reload' }

const client = fc.integer({ min: 0, max: names.length - 1 })
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('poll' as const), client }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('revoke' as const), client }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('loseAnswer' as const), client }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), client }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('subscribe' as const),
      client,
      topics: fc.subarray(topicNames),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('topic' as const),
      topic: fc.constantFrom(...topicNames),
      partitions: fc.integer({ min: 1, max: 8 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('deleteTopic' as const),
      topic: fc.constantFrom(...topicNames),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(1, 300, 1000) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'reload' as const }) },
)

function begin(assignmentIntervalMs: number, assignor: string) {
  const bench = new ConsumerGroupBench()
  bench.settings = {
    ...bench.settings,
    sessionTimeoutMs: 3_600_000,
    assignmentIntervalMs,
    assignors: [assignor],
    // A group of classic members alone stays what it is, so that they are served from it too.
    downgrades: false,
  }
  for (const name of topicNames) bench.topics = bench.topics.with(name, 4)
  const clients: SimulatedClient[] = names.map(name =>
    name === 'k' || name === 'l'
      ? new ClassicClient(name, bench, ['t', 'u'])
      : new ConsumerClient(name, bench, ['t', 'u'], name === 's' ? 'static' : null),
  )
  return { bench, clients }
}

function perform(one: Act, bench: ConsumerGroupBench, clients: readonly SimulatedClient[]): void {
  switch (one.kind) {
    case 'poll':
      clients[one.client]!.poll()
      return
    case 'loseAnswer':
      clients[one.client]!.poll(true)
      return
    case 'revoke':
      clients[one.client]!.revoke()
      return
    case 'leave':
      clients[one.client]!.leave()
      return
    case 'subscribe':
      clients[one.client]!.subscribe(one.topics)
      return
    case 'topic': {
      const before = bench.topics.byName(one.topic)?.partitionCount ?? 0
      bench.topics = bench.topics.with(one.topic, Math.max(before, one.partitions))
      return
    }
    case 'deleteTopic':
      bench.topics = bench.topics.without(one.topic)
      return
    case 'advance':
      bench.advance(one.ms)
      return
    case 'reload':
      bench.reload()
  }
}

function checkOwners(clients: readonly SimulatedClient[]): void {
  const owners = new Map<string, string>()
  for (const { name, owned } of clients) {
    for (const place of owned) {
      expect(owners.get(place), `${place} belongs to ${name} too`).toBeUndefined()
      owners.set(place, name)
    }
  }
}

for (const [assignor, intervalMs] of [
  ['uniform', 0],
  ['uniform', 1000],
  ['range', 1000],
] as const) {
  test(`whatever happens no partition has two owners, and in the end each has one (${assignor}, targets every ${intervalMs} ms)`, () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 80 }), acts => {
        const { bench, clients } = begin(intervalMs, assignor)
        clients[0]!.poll()
        for (const one of acts) {
          perform(one, bench, clients)
          checkOwners(clients)
        }

        // Left in peace, everybody gets what it should have; a static member that is away keeps its own, so it comes back.
        for (let round = 0; round < 24; round++) {
          for (const one of clients) {
            if (one.name === 'a' || one.name === 's' || one.alive) one.poll()
            checkOwners(clients)
            one.revoke()
          }
          bench.advance(1000)
        }
        const group = bench.group()!
        expect(group.state).toBe('Stable')
        const wanted = [...group.subscribedTopicNames()].reduce(
          (sum, name) => sum + (bench.topics.byName(name)?.partitionCount ?? 0),
          0,
        )
        expect(clients.reduce((sum, { owned }) => sum + owned.size, 0)).toBe(wanted)
      }),
      { numRuns: 150 },
    )
  })
}
