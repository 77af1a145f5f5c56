/**
 * npm run test:faults — a cluster of real processes, other people's clients, and faults drawn from a seed; then every
 * acknowledged record must be there once, in order, the same on every replica.
 *   -- --minutes 10             how long faults go on (default 10)
 *   -- --seed 42                draws the same faults again; their moments are the machine's
 *   -- --brokers 5 --etcd 3     sizes (default 3 and 1)
 * What the brokers had on disk when something failed is kept in .cache/faults.
 *   -- --target apache-kafka    the same for Apache Kafka, to know that the test is right
 */
import { cpSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seededRandom, systemRandom, randomInt } from '../../runtime/random.ts'
import type { Target } from '../targets/broker.ts'
import { repositoryRoot } from '../targets/kafka-jars.ts'
import { describeVerdict } from './checker.ts'
import { Cluster } from './cluster.ts'
import { runMix } from './mix.ts'
import { ClusterNetwork } from './network.ts'
import { Workload } from './workload.ts'

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(randomInt(systemRandom, 1_000_000)) },
    brokers: { type: 'string', default: '3' },
    etcd: { type: 'string', default: '1' },
    target: { type: 'string', default: 'barnabas' },
  },
})

process.exit(await main())

async function main(): Promise<number> {
  const began = performance.now()
  const say = (sentence: string): void => {
    writeSync(1, `${((performance.now() - began) / 1_000).toFixed(1).padStart(7)} s  ${sentence}\n`)
  }
  const target: Target = options.target === 'apache-kafka' ? 'apache-kafka' : 'barnabas'
  say(`${target}, ${options.brokers} brokers, seed ${options.seed}`)
  const network = await ClusterNetwork.create()
  const cluster = await Cluster.start({
    target,
    network,
    brokers: Number(options.brokers),
    etcd: Number(options.etcd),
    diskBytes: 1_000_000_000,
  })
  let workload: Workload | null = null
  try {
    say('the cluster is there')
    workload = await Workload.start(cluster, { topic: 'faults', partitions: 6, impatient: true })
    say('all clients are at work')
    const random = seededRandom(Number(options.seed))
    await runMix({ cluster, workload, random, minutes: Number(options.minutes), say })
    const outcome = await workload.finish()
    say(describeVerdict(outcome))
    for (const difference of outcome.differences) say(difference)
    const isGood = outcome.anomalies.length === 0 && outcome.differences.length === 0
    say(isGood ? 'Zero anomalies.' : 'There are anomalies.')
    return isGood ? 0 : 1
  } catch (error) {
    say(`FAILED: ${String(error)}`)
    for (const { name, output } of cluster.brokers) say(`${name} said last: ${output.slice(-4_000)}`)
    for (const { name, logDirectory } of cluster.brokers) {
      const kept = join(repositoryRoot, '.cache', 'faults', `seed-${options.seed}`, name)
      rmSync(kept, { recursive: true, force: true })
      const isAsked = (source: string): boolean =>
        source === logDirectory || /\/faults-\d+(\/|$)/.test(source)
      cpSync(logDirectory, kept, { recursive: true, filter: isAsked })
    }
    return 1
  } finally {
    await workload?.dispose()
    await cluster.dispose()
  }
}
