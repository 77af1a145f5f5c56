/**
 * npm run demo:kubernetes [-- --keep]: makes a Kubernetes, installs the chart, runs a cluster of brokers, produces, consumes,
 * asks the dashboards' queries, and takes all down, also after Ctrl-C, a SIGTERM or a failure. `--keep` leaves everything
 * standing.
 */
import { constants } from 'node:os'
import { parseArgs } from 'node:util'
import { cacheDirectory } from '../cache.ts'
import { findKept } from '../packages-way.ts'
import { startKubernetes } from '../start-kubernetes.ts'
import { endChildren } from './children.ts'
import { Demonstration } from './demonstration.ts'
import { Transcript } from './transcript.ts'

const nodes = 3
const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } })
const transcript = new Transcript(process.stdout, () => performance.now())
const interruption = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt(signal))
process.stdout.on('error', () => interrupt('SIGHUP')) // nobody reads any more

let endedBy: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | undefined

try {
  await demonstrate()
} catch (error) {
  const why = endedBy === undefined ? `It failed: ${(error as Error).message}` : 'It was interrupted.'
  transcript.failed(why)
  process.exitCode = endedBy === undefined ? 1 : 128 + constants.signals[endedBy]
}
process.exit() // whatever was interrupted may wait for something yet

/** Once; what is under way ends, so that nothing is made while everything is taken down. */
function interrupt(signal: NonNullable<typeof endedBy>): void {
  if (endedBy !== undefined) return
  endedBy = signal
  transcript.note('Interrupted: everything is taken down, in some seconds.')
  endChildren()
  interruption.abort()
}

/** Rejects as soon as it is interrupted, or was. */
function unlessInterrupted(work: () => Promise<void>): Promise<void> {
  const { signal } = interruption
  return Promise.race([
    new Promise<never>((_, reject) => {
      const stop = (): void => reject(new Error('interrupted'))
      if (signal.aborted) stop()
      signal.addEventListener('abort', stop)
    }),
    signal.aborted ? Promise.resolve() : work(),
  ])
}

async function demonstrate(): Promise<void> {
  transcript.line(
    `Barnabas on Kubernetes, from nothing${values.keep ? '' : ' to nothing'}. Ctrl-C takes all down.`,
  )
  if (findKept(1) !== null) {
    throw new Error(
      'a Kubernetes that was kept stands already; node test/kubernetes/main.ts down removes it.',
    )
  }
  const began = `A Kubernetes of ${nodes} nodes`
  // Not raced with an interruption: what is half made has to be known before it can be removed.
  const { kubernetes, demonstration } = await transcript.step(began, async () => {
    transcript.note(
      "By kind where Docker works, else from Kubernetes' own programs. These are built the first time,",
    )
    transcript.note(`which takes minutes, and kept in ${cacheDirectory}.`)
    const started = await startKubernetes({ nodes, kept: values.keep, signal: interruption.signal })
    return { kubernetes: started, demonstration: new Demonstration(transcript, started.description) }
  })
  let stays = false
  try {
    await unlessInterrupted(() => demonstration.show())
    if (!values.keep) await unlessInterrupted(() => demonstration.remove())
    stays = values.keep
  } finally {
    if (!stays) await transcript.step('The Kubernetes is taken down', () => kubernetes.stop())
  }
  transcript.ended(`It works, and ${stays ? 'stays' : 'all is gone'}.`)
  if (stays) for (const line of await demonstration.howToUse()) transcript.note(line)
}
