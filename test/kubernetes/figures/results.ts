/** RESULTS.md: written by the program, so that nothing in it was copied by hand. A part made anew leaves the others as they were. */
import { cpus, loadavg, release, totalmem } from 'node:os'
import type { Figure } from './figure.ts'

export interface RunFacts {
  readonly command: string
  readonly commit: string
  readonly way: string
  readonly kubernetes: string
  readonly nodes: number
  readonly beganAt: Date
  readonly minutes: number
  /** Of the machine, over a minute, before anything was started. */
  readonly loadBefore: number
}

/** One part of a run: its figures, or why there are none. */
export interface PartResult {
  readonly name: string
  readonly figures: readonly Figure[]
  readonly failure?: string
}

const begin = '# Figures of the operator'

/** `order`: names of all parts there are. */
export function withParts(
  before: string,
  order: readonly string[],
  results: readonly PartResult[],
  facts: RunFacts,
): string {
  const sections = order.flatMap(name => {
    const made = results.find(result => result.name === name)
    const kept = new RegExp(`^## ${name}$[^]*?(?=^## |(?![^]))`, 'm').exec(before)?.[0].trim()
    const text = made === undefined ? kept : section(made, facts)
    return text === undefined ? [] : [text, '']
  })
  return [
    begin,
    '',
    'Made by `npm run benchmark:kubernetes` on a real Kubernetes (README.md beside this file says how it is made); not edited.',
    'Each part says which run it is from. All of Kubernetes, the brokers and their clients share the machine named there.',
    '',
    ...sections,
  ].join('\n')
}

function section({ name, figures, failure }: PartResult, facts: RunFacts): string {
  const rows = figures.map(({ what, goal, measured, isReached }) => {
    return `| ${what} | ${goal} | ${measured} | ${isReached ? 'reached' : '**missed**'} |`
  })
  const details = figures.flatMap(figure => figure.details ?? []).map(detail => `- ${detail}`)
  return [
    `## ${name}`,
    '',
    ...(rows.length === 0 ? [] : ['| | goal | measured | |', '|---|---|---|---|', ...rows, '']),
    ...(failure === undefined ? [] : [`**Not measured:** ${failure}`, '']),
    ...(details.length === 0 ? [] : [...details, '']),
    describeRun(facts),
  ].join('\n')
}

function describeRun({
  command,
  commit,
  way,
  kubernetes,
  nodes,
  beganAt,
  minutes,
  loadBefore,
}: RunFacts): string {
  const processor = cpus()
  const machine = `${processor.length} × ${processor[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`
  return (
    `\`${command}\` at commit ${commit}, ${beganAt.toISOString().slice(0, 16).replace('T', ' ')} UTC, ${minutes.toFixed(1)} minutes; ` +
    `Kubernetes ${kubernetes} of ${nodes} nodes from ${way} on ${machine}; load of the machine before it began: ${loadBefore.toFixed(2)}`
  )
}

export function machineLoad(): number {
  return loadavg()[0] ?? 0
}
