/**
 * npm run benchmark:kafka — Barnabas and Apache Kafka 4.3.1 side by side, brokers on core 0, clients on core 1; writes its
 * part of RESULTS.md beside this file: one broker (about ten minutes), groups and compaction
 * (about fifteen), or three brokers with replication (about half an hour).
 *   -- --full                   all of the produce matrix, longer latency runs
 *   -- --only produce,fetch     parts of one broker: start, produce, replay, fetch, latency, topics (all by default)
 *   -- --only groups           joining, positions, compaction; or groups-join, groups-commit, groups-load, compaction
 *   -- --only cluster           three brokers; or of it cluster-produce, cluster-failover, cluster-idle,
 *                              cluster-topics
 *   -- --targets apache-kafka   one side alone
 *   -- --rounds 1               how often A, B, B, A is run (default 3)
 *   -- --output FILE            elsewhere than RESULTS.md
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BrokerUnderTest, type Target } from '../targets/broker.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { JavaTools } from '../targets/java-tools.ts'
import { prepareKafkaJava } from '../targets/kafka-jars.ts'
import { run } from '../targets/processes.ts'
import type { Bench } from './bench.ts'
import { aloneInResults, type ClusterBench, benchmarkCluster, clusterParts } from './cluster.ts'
import { benchmarkFetch } from './fetch.ts'
import { Figures, targets } from './figures.ts'
import { benchmarkGroups, groupParts } from './groups.ts'
import { benchmarkLatency } from './latency.ts'
import { benchmarkManyTopics } from './many-topics.ts'
import { benchmarkProducer, benchmarkReplay } from './produce.ts'
import { type ResultPart, report, withPart } from './report.ts'
import { addMemoryAfterLoad, benchmarkStart } from './start.ts'

const parts: Record<string, (bench: Bench) => Promise<void>> = {
  start: benchmarkStart,
  produce: benchmarkProducer,
  replay: benchmarkReplay,
  fetch: benchmarkFetch,
  latency: benchmarkLatency,
  topics: benchmarkManyTopics,
}

const { values: options } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    only: { type: 'string', default: Object.keys(parts).join(',') },
    targets: { type: 'string', default: targets.join(',') },
    rounds: { type: 'string', default: '3' },
    output: { type: 'string', default: join(import.meta.dirname, 'RESULTS.md') },
  },
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1)) // ends the children too
await main()

async function main(): Promise<void> {
  const wanted = targets.filter(target => options.targets.split(',').includes(target))
  const chosen = options.only.split(',').flatMap(part => {
    if (part === 'cluster') return Object.keys(clusterParts)
    return part === 'groups' ? Object.keys(groupParts) : [part]
  })
  const ofOneBroker = chosen.filter(part => part in parts)
  const ofGroups = chosen.filter(part => part in groupParts)
  const ofCluster = chosen.filter(part => part in clusterParts)
  if (ofOneBroker.length + ofGroups.length + ofCluster.length < chosen.length || wanted.length === 0) {
    const known = [
      ...Object.keys(parts),
      'groups',
      ...Object.keys(groupParts),
      'cluster',
      ...Object.keys(clusterParts),
    ]
    throw new Error(`Parts are ${known.join(', ')}; targets are ${targets.join(', ')}.`)
  }
  await prepareKafkaJava()
  await run('taskset', ['-acp', '1', String(process.pid)])

  const ended: Cluster[] = []
  const tools = await JavaTools.start(['-Xmx1G', '-Xms512M'])
  try {
    if (ofOneBroker.length > 0) {
      await written('one broker', figures => benchmarkOneBroker(figures, wanted, tools, ofOneBroker))
    }
    if (ofGroups.length > 0) {
      await written('groups and compaction', async figures => {
        const bench = { figures, tools, rounds: Number(options.rounds), full: options.full }
        await benchmarkGroups(bench, wanted, ofGroups)
      })
    }
    const rounds = Number(options.rounds)
    const byPart = Map.groupBy(ofCluster, (one): ResultPart => aloneInResults.get(one) ?? 'three brokers')
    for (const [part, itsParts] of byPart) {
      await written(part, async figures => {
        const bench: ClusterBench = { figures, targets: wanted, tools, rounds, ended }
        await benchmarkCluster(bench, itsParts)
      })
    }
  } finally {
    tools.stop()
    for (const cluster of ended) await cluster.dispose()
  }
}

/** Runs a part of the benchmark and puts what it found into its place in the results. */
async function written(part: ResultPart, work: (figures: Figures) => Promise<void>): Promise<void> {
  const began = performance.now()
  const figures = new Figures()
  await work(figures)
  const commandLine = ['npm run benchmark:kafka', ...process.argv.slice(2)]
  if (process.argv.length > 2) commandLine.splice(1, 0, '--')
  const facts = {
    part,
    command: commandLine.join(' '),
    minutes: (performance.now() - began) / 60_000,
    rounds: Number(options.rounds),
    commit: (
      await run('git', ['describe', '--always', '--dirty'], { directory: import.meta.dirname })
    ).stdout.trim(),
    javaVersion: (await run('java', ['-version'])).stderr.split('\n')[1]?.trim() ?? '',
    disk: (await run('df', ['--output=fstype', tmpdir()])).stdout.split('\n')[1]?.trim() ?? '',
  }
  const before = existsSync(options.output) ? readFileSync(options.output, 'utf8') : ''
  writeFileSync(options.output, withPart(before, part, report(figures.all, facts)))
  process.stderr.write(`Written: ${options.output}\n`)
}

async function benchmarkOneBroker(
  figures: Figures,
  wanted: readonly Target[],
  tools: JavaTools,
  chosen: readonly string[],
): Promise<void> {
  const brokers = new Map<Target, BrokerUnderTest>()
  try {
    for (const target of wanted) {
      const settings = { 'log.segment.delete.delay.ms': '1000' } // gone before the kernel writes it out
      brokers.set(target, await BrokerUnderTest.start(target, { core: 0, heap: '1G', built: true, settings }))
    }
    const bench: Bench = { figures, brokers, tools, rounds: Number(options.rounds), full: options.full }
    let warm = false
    for (const [name, part] of Object.entries(parts)) {
      if (!chosen.includes(name)) continue
      if (!warm && name !== 'start' && name !== 'topics') {
        await warmUp(bench)
        warm = true
      }
      if (name === 'topics') addMemoryAfterLoad(bench)
      await part(bench)
    }
    if (!chosen.includes('topics')) addMemoryAfterLoad(bench)
  } finally {
    for (const broker of brokers.values()) await broker.dispose()
  }
}

/** Both brokers and the tools' JVM compile their hot paths before anything counts. */
async function warmUp(bench: Bench): Promise<void> {
  const unmeasured = { ...bench, figures: new Figures(), rounds: 1, full: false }
  process.stderr.write('(not counted) ')
  await benchmarkReplay(unmeasured)
  process.stderr.write('(not counted) ')
  await benchmarkProducer(unmeasured, [
    { recordSize: 1024, acks: '1', partitions: 1, compression: 'none' },
    { recordSize: 100, acks: 'all', partitions: 16, compression: 'lz4' },
  ])
}
