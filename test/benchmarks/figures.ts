/** What is measured, how runs are ordered, and how many samples become one figure. */
import { readFileSync } from 'node:fs'
import type { Target } from '../targets/broker.ts'

export const targets = ['apache-kafka', 'barnabas'] as const satisfies readonly Target[]

/** One figure of one scenario; a sample a run. */
export interface Figure {
  readonly section: string
  readonly scenario: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  readonly samples: Partial<Record<Target, number[]>>
}

/** All figures of a run, in the order in which they were first given. */
export class Figures {
  readonly #figures = new Map<string, Figure>()

  add(target: Target, figure: Omit<Figure, 'samples'>, sample: number): void {
    const key = `${figure.section}|${figure.scenario}|${figure.unit}`
    const known = this.#figures.get(key) ?? { ...figure, samples: {} }
    this.#figures.set(key, known)
    known.samples[target] = [...(known.samples[target] ?? []), sample]
  }

  get all(): readonly Figure[] {
    return [...this.#figures.values()]
  }
}

/** The order A, B, B, A, so that neither side has the better time slot; with one target just that one. */
export function alternating<T>(sides: readonly T[], rounds: number): T[] {
  return Array.from({ length: rounds }, () => [...sides, ...sides.toReversed()]).flat()
}

export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length % 2 === 1) return sorted[middle] ?? NaN
  return ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2
}

/** User and system seconds that a process has used; the clock ticks a hundred times a second. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Resident and proportional memory of a process, in MiB. */
export function memoryMiB(pid: number): { rss: number; pss: number } {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const of = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? NaN) / 1024
  return { rss: of('Rss'), pss: of('Pss') }
}

/** CPU seconds that all programs together have used on this machine. */
export function machineCpuSeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = (
    /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? ''
  )
    .split(' ')
    .map(Number)
  return (user + nice + system + irq + softIrq + steal) / 100
}

/** What a stretch of work cost: wall-clock seconds, and CPU seconds of broker, client and everybody else. */
export interface Cost {
  readonly seconds: number
  /** Of all brokers, and of etcd where they have one. */
  readonly brokerCpu: number
  readonly clientCpu: number
  /** Of programs that have no part in the benchmark: noise. */
  readonly othersCpu: number
}

export async function measured<T>(
  brokerPids: readonly number[],
  clientPid: number,
  work: () => Promise<T>,
): Promise<{ result: T; cost: Cost }> {
  const brokers = (): number => brokerPids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)
  const began = performance.now()
  const brokerBefore = brokers()
  const clientBefore = cpuSeconds(clientPid)
  const machineBefore = machineCpuSeconds()
  const result = await work()
  const seconds = (performance.now() - began) / 1_000
  const brokerCpu = brokers() - brokerBefore
  const clientCpu = cpuSeconds(clientPid) - clientBefore
  const othersCpu = Math.max(0, machineCpuSeconds() - machineBefore - brokerCpu - clientCpu)
  return { result, cost: { seconds, brokerCpu, clientCpu, othersCpu } }
}

/** Adds the figures that every stretch of moving bytes has: rate, broker CPU per GB, and how busy the cores were. */
export function addThroughput(
  figures: Figures,
  target: Target,
  scenario: { readonly section: string; readonly scenario: string },
  megabytesPerSecond: number,
  megabytesInAll: number,
  cost: Cost,
): void {
  const { brokerCpu, clientCpu, othersCpu, seconds } = cost
  figures.add(target, { ...scenario, unit: 'MB/s', better: 'higher' }, megabytesPerSecond)
  figures.add(
    target,
    { ...scenario, unit: 'broker CPU s/GB', better: 'lower' },
    brokerCpu / (megabytesInAll / 1_000),
  )
  figures.add(target, { ...scenario, unit: 'broker core %', better: 'lower' }, (100 * brokerCpu) / seconds)
  figures.add(target, { ...scenario, unit: 'client core %', better: 'lower' }, (100 * clientCpu) / seconds)
  figures.add(target, { ...scenario, unit: 'others core %', better: 'lower' }, (100 * othersCpu) / seconds)
}
