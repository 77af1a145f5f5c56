/**
 * npm run demo:kubernetes [-- --keep]: makes a Kubernetes, installs the chart, runs a cluster of brokers, produces, consumes,
 * asks the dashboards' queries, and takes all down, also after Ctrl-C or a failure. `--keep` leaves everything standing.
 */
import { parseArgs } from 'node:util'
import { cacheDirectory } from '../cache.ts'
import { findKept } from '../packages-way.ts'
import { startKubernetes } from '../start-kubernetes.ts'
import { Demonstration } from './demonstration.ts'
import { Transcript } from './transcript.ts'

const nodes = 3
const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } })
const transcript = new Transcript(process.stdout, () => performance.now())
const interruption = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)

try {
  await demonstrate()
} catch (error) {
  const { aborted } = interruption.signal
  transcript.failed(aborted ? 'It was interrupted.' : `It failed: ${(error as Error).message}`)
  process.exitCode = aborted ? 130 : 1
}
process.exit() // whatever was interrupted may have a child that goes on

function interrupt(): void {
  if (!interruption.signal.aborted) transcript.note('Interrupted: everything is taken down, in some seconds.')
  interruption.abort()
}

/** Rejects as soon as it is interrupted; the commands of `work` got the same Ctrl-C, and end by it. */
function unlessInterrupted(work: Promise<void>): Promise<void> {
  const { signal } = interruption
  return Promise.race([
    work,
    new Promise<never>((_, reject) => {
      const stop = (): void => reject(new Error('interrupted'))
      if (signal.aborted) stop()
      signal.addEventListener('abort', stop)
    }),
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
    const started = await startKubernetes({ nodes, kept: values.keep })
    return { kubernetes: started, demonstration: new Demonstration(transcript, started.description) }
  })
  let stays = false
  try {
    await unlessInterrupted(demonstration.show())
    if (!values.keep) await unlessInterrupted(demonstration.remove())
    stays = values.keep
  } finally {
    if (!stays) await transcript.step('The Kubernetes is taken down', () => kubernetes.stop())
  }
  transcript.ended(`It works, and ${stays ? 'stays' : 'all is gone'}.`)
  if (stays) for (const line of await demonstration.howToUse()) transcript.note(line)
}
