import { assert } from '../../runtime/assert.ts'
import { type Random, randomInt } from '../../runtime/random.ts'
import { configsOf, type MetadataImage } from '../metadata/image.ts'

/** A broker that may hold replicas. One that is away (`isAlive` false) may get a replica, but not lead or be in sync. */
export interface PlacementBroker {
  readonly id: number
  /** Brokers without a rack count as being in one rack together. */
  readonly rack: string | null
  readonly isAlive: boolean
}

/**
 * Kafka's rack-aware round robin: brokers are lined up with racks taking turns, the first partition begins at a
 * random broker, each next one a step further; followers follow at a distance that grows with every round, and skip
 * brokers of a rack that has a replica while another rack has none.
 *
 * Returns the replica list of each partition, leader first; the first replica is always alive.
 * There must be an alive broker and at least `replicationFactor` brokers.
 */
export function placeReplicas(
  brokers: readonly PlacementBroker[],
  options: {
    readonly partitions: number
    readonly replicationFactor: number
    readonly firstPartition: number
  },
  random: Random,
): number[][] {
  const { partitions, replicationFactor, firstPartition } = options
  const line = alternateRacks(brokers)
  const leaders = line.filter(broker => broker.isAlive)
  assert(
    leaders.length > 0 && replicationFactor <= line.length,
    'There are enough brokers to place replicas on.',
  )

  const rackCount = new Set(line.map(broker => broker.rack)).size
  const firstLeader = randomInt(random, leaders.length)
  let shift = randomInt(random, line.length)
  const placed: number[][] = []
  for (let partition = firstPartition; partition < firstPartition + partitions; partition++) {
    if (partition > 0 && partition % leaders.length === 0) shift++
    const leader = leaders[(firstLeader + partition) % leaders.length]!
    placed.push(followersOf(line, line.indexOf(leader), shift * rackCount, rackCount, replicationFactor))
  }
  return placed
}

/** The brokers that replicas may be placed on now: registered or only away, and not cordoned. */
export function brokersForPlacement(image: MetadataImage): PlacementBroker[] {
  const brokers: PlacementBroker[] = []
  for (const { id, rack, fenced, stopping } of image.brokers.values()) {
    if (!isCordoned(image, id)) brokers.push({ id, rack, isAlive: !fenced && !stopping })
  }
  for (const { id, rack } of image.brokerStates.values()) {
    if (!image.brokers.has(id) && !isCordoned(image, id)) brokers.push({ id, rack, isAlive: false })
  }
  return brokers.sort((a, b) => a.id - b.id)
}

/** Takes no new replicas: all its log directories are cordoned (KIP-1066), or it was taken out by order. */
export function isCordoned(image: MetadataImage, brokerId: number): boolean {
  const broker = image.brokers.get(brokerId)
  if (broker !== undefined) return broker.cordoned
  // Its directories are not known while it is away; all of them are.
  const directories = configsOf(image, 'broker', String(brokerId)).get('cordoned.log.dirs')
  return image.brokerStates.get(brokerId)?.cordoned === true || directories?.trim() === '*'
}

function followersOf(
  line: readonly PlacementBroker[],
  leaderAt: number,
  shift: number,
  rackCount: number,
  replicationFactor: number,
): number[] {
  const leader = line[leaderAt]!
  const replicas = new Set([leader.id])
  const racks = new Set([leader.rack])
  for (let step = 0; replicas.size < replicationFactor; step++) {
    const broker = line[(leaderAt + 1 + ((shift + step) % (line.length - 1))) % line.length]!
    const rackHasOneAlready = racks.has(broker.rack) && racks.size < rackCount
    if (replicas.has(broker.id) || rackHasOneAlready) continue
    replicas.add(broker.id)
    racks.add(broker.rack)
  }
  return [...replicas]
}

/** a1 a2 b1 b2 c1 → a1 b1 c1 a2 b2: neighbours are in different racks as far as that goes. */
function alternateRacks(brokers: readonly PlacementBroker[]): PlacementBroker[] {
  const racks = new Map<string | null, PlacementBroker[]>()
  for (const broker of brokers) {
    const inRack = racks.get(broker.rack)
    if (inRack === undefined) racks.set(broker.rack, [broker])
    else inRack.push(broker)
  }
  const columns = [...racks].sort(([a], [b]) => ((a ?? '') < (b ?? '') ? -1 : 1)).map(([, inRack]) => inRack)
  const line: PlacementBroker[] = []
  for (let row = 0; line.length < brokers.length; row++) {
    for (const column of columns) {
      const broker = column[row]
      if (broker !== undefined) line.push(broker)
    }
  }
  return line
}
