/**
 * npm run benchmark:kubernetes — makes a Kubernetes of three nodes, installs the operator by its chart, measures what the
 * project promises of it, and writes RESULTS.md beside ../README.md. Needs root, as all of test/kubernetes; takes about
 * eight minutes and the quiet ones.
 *   -- --only topics,memory    parts: ready, deletion, roll, topics, memory, restart, quiet (all by default)
 *   -- --quiet-minutes 1       instead of ten
 *   -- --rounds 1              how often ready, deletion and restart are measured (3)
 *   -- --output FILE           elsewhere than RESULTS.md
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { must } from '../commands.ts'
import type { PreparedCluster } from '../prepared-cluster.ts'
import { prepareCluster } from '../prepared-cluster.ts'
import { Figures, partNames } from './parts.ts'
import { machineLoad, type PartResult, withParts } from './results.ts'
import { Stand } from './stand.ts'

const longestMinutes = 10
const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: partNames.join(',') },
    'quiet-minutes': { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    output: { type: 'string', default: join(import.meta.dirname, '..', 'RESULTS.md') },
  },
})
const chosen = options.only.split(',')
const unknown = chosen.filter(name => !partNames.includes(name))
if (unknown.length > 0)
  throw new Error(`There is no part ${unknown.join(', ')}; parts are ${partNames.join(', ')}.`)
const quietMinutes = number('quiet-minutes', options['quiet-minutes'])
const rounds = number('rounds', options.rounds)

const beganAt = new Date()
const beganMs = performance.now()
const loadBefore = machineLoad()
/** What is to be taken down again. */
const standing: { cluster?: PreparedCluster; end?: Promise<void> | undefined } = {}
const limit = AbortSignal.timeout((longestMinutes + quietMinutes) * 60_000)
limit.addEventListener('abort', () => void giveUp('It took too long.'))
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void giveUp(`It was ended by ${signal}.`))

tell('Kubernetes and the image are made')
const cluster = await prepareCluster(3)
standing.cluster = cluster
try {
  tell('the operator is installed')
  const stand = await Stand.open(cluster.description, cluster.image)
  const results = await new Figures(stand, { rounds, quietMinutes, tell }).measure(chosen)
  await write(stand, results)
  if (
    results.some(
      ({ failure, figures }) => failure !== undefined || figures.some(({ isReached }) => !isReached),
    )
  ) {
    process.exitCode = 1
  }
  stand.api.close()
} finally {
  tell('everything is taken down')
  await takeDown()
}
process.exit()

async function write(stand: Stand, results: readonly PartResult[]): Promise<void> {
  for (const { name, figures, failure } of results) {
    for (const { what, goal, measured, isReached } of figures) {
      console.log(`${isReached ? 'reached' : 'MISSED '}  ${what}: ${measured} (${goal})`)
    }
    if (failure !== undefined) console.log(`FAILED   ${name}: ${failure}`)
  }
  const { description } = cluster
  const version = JSON.parse(await stand.kubernetes.kubectl(['get', '--raw', '/version'])) as {
    gitVersion: string
  }
  const commandLine = ['npm run benchmark:kubernetes', ...process.argv.slice(2)]
  if (process.argv.length > 2) commandLine.splice(1, 0, '--')
  const before = existsSync(options.output) ? readFileSync(options.output, 'utf8') : ''
  const text = withParts(before, partNames, results, {
    command: commandLine.join(' '),
    commit: (
      await must('git', ['describe', '--always', '--dirty'], { directory: import.meta.dirname })
    ).trim(),
    way: description.way,
    kubernetes: version.gitVersion,
    nodes: description.nodes.length,
    beganAt,
    minutes: (performance.now() - beganMs) / 60_000,
    loadBefore,
  })
  writeFileSync(options.output, text)
  tell(`written: ${options.output}`)
}

async function giveUp(why: string): Promise<void> {
  tell(`${why} Everything is taken down.`)
  await takeDown()
  process.exit(1)
}

/** Once, whoever asks first: the end of the work, or whoever ends it. */
function takeDown(): Promise<void> {
  standing.end ??= standing.cluster?.stop()
  return standing.end ?? Promise.resolve()
}

function tell(what: string): void {
  process.stderr.write(`${((performance.now() - beganMs) / 1000).toFixed(0).padStart(4)} s  ${what}\n`)
}

function number(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0 && value <= 60))
    throw new Error(`--${name} is '${text}': give a number above 0, at most 60.`)
  return value
}
