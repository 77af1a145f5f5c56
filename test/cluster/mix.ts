/** Faults drawn at random from a seed, one or two at a time, drawn anew every few seconds; now and then none. */
import { type Random, randomInt } from '../../runtime/random.ts'
import type { Cluster } from './cluster.ts'
import { type Fault, type Harm, type Scene, faults } from './faults.ts'
import { letPass } from './let-pass.ts'
import type { Workload } from './workload.ts'

export interface MixOptions {
  readonly cluster: Cluster
  readonly workload: Workload
  readonly random: Random
  readonly minutes: number
  readonly say: (sentence: string) => void
}

/** How long a draw lasts. */
const shortestMs = 2_000
const longestMs = 12_000
/** How long the cluster may take to serve again after the last fault was undone. */
const recoveryMs = 90_000

/** After every third draw, or sooner, everything is undone and the cluster has to serve every client again. */
export async function runMix({ cluster, workload, random, minutes, say }: MixOptions): Promise<void> {
  const { topic, partitions } = workload
  const scene: Scene = { cluster, topic, partitions, random }
  const possible = faults.filter(({ applies }) => applies(cluster))
  const end = performance.now() + minutes * 60_000
  for (let round = 1; performance.now() < end; round++) {
    for (let draw = 0; draw < 1 + randomInt(random, 3) && performance.now() < end; draw++) {
      const drawn = drawFaults(random, possible)
      const harms: Harm[] = []
      for (const fault of drawn) {
        const harm = await fault.begin(scene)
        harms.push(harm)
        say(`${fault.name} (${harm.victim})`)
      }
      if (drawn.length === 0) say('nothing')
      await letPass(shortestMs + randomInt(random, longestMs - shortestMs))
      for (const harm of harms.toReversed()) await harm.heal()
    }
    const tookMs = await workload.advances(recoveryMs)
    await cluster.inSync(topic, recoveryMs)
    say(`round ${round}: all is undone; every client got on after ${(tookMs / 1_000).toFixed(1)} s`)
  }
}

/** None in one of six draws, two in one of six. */
function drawFaults(random: Random, possible: readonly Fault[]): readonly Fault[] {
  const dice = randomInt(random, 6)
  if (dice === 0) return []
  const first = possible[randomInt(random, possible.length)]
  if (first === undefined) throw new Error('No fault applies to this cluster.')
  if (dice > 1 || !isOfBrokers(first)) return [first]
  // With a broker something of etcd may be ill; two brokers at once are more than three replicas promise to bear.
  const ofEtcd = possible.filter(fault => !isOfBrokers(fault))
  return ofEtcd.length === 0 ? [first] : [first, ofEtcd[randomInt(random, ofEtcd.length)] as Fault]
}

function isOfBrokers({ name }: Fault): boolean {
  return !/etcd/.test(name)
}
