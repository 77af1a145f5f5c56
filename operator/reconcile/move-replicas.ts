/** Which replicas move where, so that brokers become empty or evenly full. Pure, and the same for the same input. */
import type { DescribedBroker, Reassignment, TopicPartitions } from '../../client/index.ts'
import { type ReachedKafka, replicasByBroker } from './observed-cluster.ts'

/** Partitions that may move at a time, those that move already among them. */
const mostMoves = 50

type Load = Map<number, number>

/** Moves that take replicas off `leaving`, at most as many as may go on at a time; none when all have begun. */
export function drainMoves(kafka: ReachedKafka, leaving: ReadonlySet<number>): readonly Reassignment[] {
  const targets = kafka.brokers.filter(({ id, isFenced }) => !leaving.has(id) && !isFenced)
  const load = replicasByBroker(kafka)
  const moving = movingPartitions(kafka)
  const moves: Reassignment[] = []
  for (const { name, partitions } of kafka.topics) {
    for (const { index, replicas } of partitions) {
      if (moves.length + moving.size >= mostMoves) return moves
      if (moving.has(`${name}-${index}`) || !replicas.some(id => leaving.has(id))) continue
      const moved = replaceEach(replicas, id => leaving.has(id), targets, load)
      if (moved !== undefined) moves.push({ topic: name, partition: index, replicas: moved })
    }
  }
  return moves
}

/**
 * Moves towards brokers that have fewer replicas than others, of each topic and then in all; none when they differ by one at
 * most, of each topic and in all, or racks forbid more: no partition is in fewer racks afterwards.
 */
export function balanceMoves(kafka: ReachedKafka): readonly Reassignment[] {
  const topics = afterMoves(kafka)
  const total = replicasByBroker({ topics: topics.map(({ topic }) => topic) })
  const begun = new Set(movingPartitions(kafka))
  const moves: Reassignment[] = []
  const racks = new Map(kafka.brokers.map(({ id, rack }) => [id, rack]))
  const targets = kafka.brokers.filter(({ id, isFenced }) => !isFenced && !kafka.cordoned.has(id))
  // With a topic as even as it may be, a move that keeps it so may still make brokers more even in all.
  for (const leastOfTopic of [2, 1]) {
    for (const { topic, own } of topics) {
      for (const { index, replicas } of topic.partitions) {
        if (begun.size >= mostMoves) return moves
        const partition = `${topic.name}-${index}`
        if (begun.has(partition)) continue
        const best = bestShift(replicas, targets, racks, { own, total, leastOfTopic })
        if (best === undefined) continue
        const { from, to } = best
        shift(own, from, to)
        shift(total, from, to)
        begun.add(partition)
        moves.push({
          topic: topic.name,
          partition: index,
          replicas: replicas.map(id => (id === from ? to : id)),
        })
      }
    }
  }
  return moves
}

/** Every topic, and its replicas on each broker, as they will be when all that moves has moved. */
function afterMoves({ topics, moves }: ReachedKafka): readonly { topic: TopicPartitions; own: Load }[] {
  const removing = new Map(moves.map(move => [`${move.topic}-${move.partition}`, new Set(move.removing)]))
  return topics.map(({ partitions, ...rest }) => {
    const topic = {
      ...rest,
      partitions: partitions.map(partition => ({
        ...partition,
        replicas: partition.replicas.filter(id => !removing.get(`${rest.name}-${partition.index}`)?.has(id)),
      })),
    }
    return { topic, own: replicasByBroker({ topics: [topic] }) }
  })
}

/** Replicas of a partition so that it has `wanted` of them; undefined when there are not enough brokers. */
export function replicasFor(
  kafka: ReachedKafka,
  replicas: readonly number[],
  wanted: number,
  load: Load,
): readonly number[] | undefined {
  const brokers = kafka.brokers.filter(({ id, isFenced }) => !isFenced && !kafka.cordoned.has(id))
  const chosen = [...replicas]
  while (chosen.length > wanted) {
    // The first is the preferred leader, so it stays; of the others the fullest goes.
    const last = chosen.slice(1).sort((a, b) => count(load, b) - count(load, a) || b - a)[0]
    if (last === undefined) return undefined
    chosen.splice(chosen.indexOf(last), 1)
    load.set(last, count(load, last) - 1)
  }
  while (chosen.length < wanted) {
    const next = leastLoaded(brokers, load, new Set(chosen), racksOf(brokers, chosen, undefined))
    if (next === undefined) return undefined
    chosen.push(next.id)
    load.set(next.id, count(load, next.id) + 1)
  }
  return chosen
}

function replaceEach(
  replicas: readonly number[],
  isLeaving: (id: number) => boolean,
  targets: readonly DescribedBroker[],
  load: Load,
): readonly number[] | undefined {
  const moved = [...replicas]
  for (const [at, id] of replicas.entries()) {
    if (!isLeaving(id)) continue
    const target = leastLoaded(targets, load, new Set(moved), racksOf(targets, moved, id))
    if (target === undefined) return undefined
    shift(load, id, target.id)
    moved[at] = target.id
  }
  return moved
}

interface Shift {
  readonly from: number
  readonly to: number
  readonly ofTopic: number
  readonly inAll: number
}

/** Between the brokers that differ most, of the topic before in all; then from the highest id to the lowest. */
function bestShift(
  replicas: readonly number[],
  targets: readonly DescribedBroker[],
  racks: ReadonlyMap<number, string | null>,
  { own, total, leastOfTopic }: { readonly own: Load; readonly total: Load; readonly leastOfTopic: number },
): Shift | undefined {
  let best: Shift | undefined
  for (const from of [...replicas].sort((a, b) => b - a)) {
    const others = new Set(replicas.flatMap(id => (id === from ? [] : [racks.get(id)])))
    const rack = racks.get(from) ?? null
    const isOnlyThere = rack !== null && !others.has(rack)
    for (const { id: to, rack: toRack } of targets) {
      const ofTopic = count(own, from) - count(own, to)
      const inAll = count(total, from) - count(total, to)
      if (replicas.includes(to) || ofTopic < leastOfTopic || (ofTopic < 2 && inAll < 2)) continue
      if (isOnlyThere && (toRack === null || others.has(toRack))) continue
      const isBetter =
        best === undefined || ofTopic > best.ofTopic || (ofTopic === best.ofTopic && inAll > best.inAll)
      if (isBetter) best = { from, to, ofTopic, inAll }
    }
  }
  return best
}

/** In a rack that has no replica yet before others, then with the fewest replicas, then the lowest id. */
function leastLoaded(
  brokers: readonly DescribedBroker[],
  load: Load,
  taken: ReadonlySet<number>,
  racks: ReadonlySet<string>,
): DescribedBroker | undefined {
  const rank = ({ rack }: DescribedBroker): number => (rack !== null && racks.has(rack) ? 1 : 0)
  return brokers
    .filter(({ id }) => !taken.has(id))
    .sort((a, b) => rank(a) - rank(b) || count(load, a.id) - count(load, b.id) || a.id - b.id)[0]
}

/** Racks of these replicas, the one that goes left out. */
function racksOf(
  brokers: readonly DescribedBroker[],
  replicas: readonly number[],
  going: number | undefined,
): ReadonlySet<string> {
  return new Set(
    brokers.flatMap(({ id, rack }) => (rack !== null && id !== going && replicas.includes(id) ? [rack] : [])),
  )
}

function movingPartitions(kafka: ReachedKafka): ReadonlySet<string> {
  return new Set(kafka.moves.map(({ topic, partition }) => `${topic}-${partition}`))
}

function count(load: Load, id: number): number {
  return load.get(id) ?? 0
}

function shift(load: Load, from: number, to: number): void {
  load.set(from, count(load, from) - 1)
  load.set(to, count(load, to) + 1)
}
