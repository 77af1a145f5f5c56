/** A thousand Topics applied at once, what the operator takes for them, and how it comes back to them. */
import { waitUntil } from '../../targets/processes.ts'
import { operatorNamespace } from '../operator-chart.ts'
import { durations, type Figure, mebibytes, seconds } from './figure.ts'
import { topic } from './manifests.ts'
import { isTrue, type OperatorMetrics, type Stand, topics } from './stand.ts'

export const topicCount = 1000

export interface Memory {
  /** As Kubernetes counts it. */
  readonly workingSetBytes: number
  /** As the process sees it: with the pages of Node's own program, which processes share. */
  readonly residentBytes: number
}

/** The most that was seen of the operator's memory, looked at once a second. */
class MemoryPeak {
  readonly #sampling: Promise<unknown>
  #most: Memory = { workingSetBytes: 0, residentBytes: 0 }
  #isOver = false

  constructor(stand: Stand) {
    this.#sampling = waitUntil(
      'no more memory is to be looked at',
      async () => {
        for (const pod of await stand.operatorPods()) {
          const metrics = await stand.operatorMetrics(pod.metadata.name)
          const workingSetBytes = (await stand.workingSetBytes(pod)) ?? 0
          this.#most = mostOf([this.#most, { workingSetBytes, residentBytes: metrics?.residentBytes ?? 0 }])
        }
        return this.#isOver || undefined
      },
      { deadlineMs: 600_000, everyMs: 1000 },
    )
    this.#sampling.catch(() => {}) // awaited by end()
  }

  async end(): Promise<Memory> {
    this.#isOver = true
    await this.#sampling
    return this.#most
  }
}

export function mostOf(all: readonly Memory[]): Memory {
  return {
    workingSetBytes: Math.max(...all.map(each => each.workingSetBytes)),
    residentBytes: Math.max(...all.map(each => each.residentBytes)),
  }
}

export interface ThousandTopics {
  readonly tookMs: number
  readonly applyMs: number
  readonly memory: Memory
}

export async function applyThousandTopics(stand: Stand, namespace: string): Promise<ThousandTopics> {
  const memory = new MemoryPeak(stand)
  const manifests = Array.from({ length: topicCount }, (_, at) =>
    topic(`topic-${String(at).padStart(4, '0')}`),
  )
  let applyMs = 0
  let told = 0
  const tookMs = await stand.timed(
    `${topicCount} Topics are Ready`,
    { kind: topics, namespace, deadlineMs: 240_000 },
    async () => {
      const beganMs = performance.now()
      await stand.apply(namespace, manifests)
      applyMs = performance.now() - beganMs
    },
    objects => {
      if (objects.size < topicCount) return false
      told = [...objects.values()].filter(object => isTrue(object, 'Ready')).length
      return told === topicCount
    },
  )
  await stand.operatorAtRest()
  return { tookMs, applyMs, memory: await memory.end() }
}

export function topicsFigure({ tookMs, applyMs }: ThousandTopics): Figure {
  return {
    what: '1,000 Topics, with the Cluster’s partitions and replicas, applied at once, to all Ready',
    goal: '≤ 60 s',
    measured: seconds(tookMs),
    isReached: tookMs <= 60_000,
    details: [`kubectl alone took ${seconds(applyMs)} of it, one Topic after the other.`],
  }
}

export function memoryFigures(whileMade: Memory, afterRestarts: Memory): readonly Figure[] {
  const figure = (name: keyof Memory, what: string): Figure => {
    const most = Math.max(whileMade[name], afterRestarts[name])
    return {
      what: `Memory of the operator with 1,000 Topics, the most seen: ${what}`,
      goal: '≤ 128 MiB',
      measured: mebibytes(most),
      isReached: most > 0 && most <= 128 * 2 ** 20,
      details: [
        `${what}: ${mebibytes(whileMade[name])} while they were made, ${mebibytes(afterRestarts[name])} after restarts.`,
      ],
    }
  }
  return [
    figure('workingSetBytes', 'working set, which Kubernetes counts and limits'),
    figure('residentBytes', 'resident, with some 50 MiB of Node’s own program that processes share'),
  ]
}

export interface Restart {
  readonly tookMs: number
  readonly leadsMs: number
  readonly memory: Memory
}

/** Deletes the operator's pod; the next has converged when it has looked at everything, and at a Topic changed meanwhile. */
export async function restartOperator(stand: Stand, namespace: string, round: number): Promise<Restart> {
  const before = (await stand.operatorPods()).map(({ metadata }) => metadata.name)
  const memory = new MemoryPeak(stand)
  let leadsMs = 0
  const changed = topic('topic-0500', { config: { 'retention.ms': 86_400_000 + round } })
  const beganMs = performance.now()
  await stand.kubectl(operatorNamespace, 'delete', 'pod', ...before, '--wait=false')
  const [, changedMs] = await Promise.all([
    waitUntil(
      'the next operator has looked at everything',
      async () => {
        const next = (await stand.operatorPods()).find(({ metadata }) => !before.includes(metadata.name))
        if (next === undefined) return undefined
        const metrics = await stand.operatorMetrics(next.metadata.name)
        if (leadsMs === 0 && metrics?.leads === true) leadsMs = performance.now() - beganMs
        return (metrics !== undefined && hasSeenAll(metrics)) || undefined
      },
      { deadlineMs: 90_000, everyMs: 100 },
    ).then(() => performance.now() - beganMs),
    stand
      .timed(
        'the change of a Topic is done',
        { kind: topics, namespace, deadlineMs: 90_000 },
        () => stand.apply(namespace, [changed]),
        objects => {
          const object = objects.get('topic-0500')
          const { config } = (object?.spec ?? {}) as { readonly config?: Record<string, unknown> }
          return (
            object !== undefined && config?.['retention.ms'] === 86_400_000 + round && isTrue(object, 'Ready')
          )
        },
      )
      .then(() => performance.now() - beganMs),
  ])
  const tookMs = Math.max(performance.now() - beganMs, changedMs)
  await stand.operatorAtRest()
  return { tookMs, leadsMs, memory: await memory.end() }
}

function hasSeenAll(metrics: OperatorMetrics): boolean {
  return metrics.reconciled('topic') >= topicCount && metrics.reconciled('cluster') >= 1 && metrics.isAtRest
}

export function restartFigure(all: readonly Restart[]): Figure {
  return {
    what: '`kubectl delete pod` of the operator to everything looked at by the next, with 1,000 Topics, one changed meanwhile',
    goal: '≤ 5 s',
    measured: durations(all.map(({ tookMs }) => tookMs)),
    isReached: all.every(({ tookMs }) => tookMs <= 5000),
    details: [`The next one led after ${all.map(({ leadsMs }) => seconds(leadsMs)).join(', ')}.`],
  }
}
