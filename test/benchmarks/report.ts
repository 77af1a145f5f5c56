/** RESULTS.md: written whole by the program, so that nothing in it was copied by hand. */
import { readFileSync } from 'node:fs'
import { arch, cpus, platform, release, totalmem } from 'node:os'
import type { Target } from '../targets/broker.ts'
import { type Figure, median } from './figures.ts'

const ofThreeBrokers = 'three each, ours with one etcd, whose CPU and memory count as the brokers’'

const resultParts = [
  'one broker',
  'groups and compaction',
  'three brokers',
  'three brokers, many partitions',
  'three brokers, idle partitions',
] as const

/** Each has its place in RESULTS.md and is replaced alone. */
export type ResultPart = (typeof resultParts)[number]

export interface RunFacts {
  readonly part: ResultPart
  readonly command: string
  readonly minutes: number
  readonly rounds: number
  readonly commit: string
  readonly javaVersion: string
  readonly disk: string
}

const names: Record<Target, string> = { 'apache-kafka': 'Apache Kafka 4.3.1', barnabas: 'Barnabas' }

/** The results with one part made anew, the others as they were. */
export function withPart(before: string, part: ResultPart, text: string): string {
  const kept = resultParts.map(one => {
    if (one === part) return `${beginOf(one)}\n\n${text.trim()}\n`
    const found = new RegExp(`^${beginOf(one)}$[^]*?(?=^<!-- part: |(?![^]))`, 'm').exec(before)?.[0]
    return found === undefined ? '' : `${found.trim()}\n`
  })
  return kept.filter(one => one !== '').join('\n')
}

const beginOf = (part: ResultPart): string => `<!-- part: ${part} -->`

export function report(figures: readonly Figure[], facts: RunFacts): string {
  const sections = [...new Set(figures.map(figure => figure.section))]
  const body = sections.flatMap(section => [
    '',
    `## ${section}`,
    '',
    ...table(figures.filter(f => f.section === section)),
  ])
  return `${[
    `# Barnabas beside Apache Kafka 4.3.1: ${facts.part}`,
    '',
    'Made by the command below in one run on one machine; not edited. Only the ratios mean something elsewhere.',
    '',
    ...factRows(facts),
    '',
    ...verdicts(figures),
    ...body,
    '',
    '## What bounds each figure',
    '',
    'Brokers and clients have a core each. A side that keeps its core more than 90 % busy is the bound; where neither does,',
    'the waiting for each other is (round trips, linger), or the disk. "Others" are programs that have no part in this: where',
    'they take much of the two cores (200 %), the rates are not worth much, and the CPU seconds remain.',
    '',
    ...bounds(figures),
  ].join('\n')}\n`
}

const brokersOf: Record<ResultPart, string> = {
  'one broker': 'one each',
  'groups and compaction': 'one each, new ones for each part',
  'three brokers': ofThreeBrokers,
  'three brokers, many partitions': ofThreeBrokers,
  'three brokers, idle partitions': ofThreeBrokers,
}

function factRows(facts: RunFacts): string[] {
  const processor = cpus()
  const rows = [
    ['command', `\`${facts.command}\``],
    ['commit', facts.commit],
    ['took', `${facts.minutes.toFixed(1)} minutes`],
    [
      'machine',
      `${processor.length} × ${processor[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    ],
    ['system', `${platform()} ${release()} ${arch()}, ${distribution()}, data on ${facts.disk}`],
    ['versions', `Node ${process.versions.node}; ${facts.javaVersion}; Apache Kafka 4.3.1`],
    [
      'brokers',
      `${brokersOf[facts.part]}, pinned to core 0; Kafka in combined KRaft mode with its own start options (1 GiB heap)`,
    ],
    ['clients', 'pinned to core 1; Kafka’s tools in one warm JVM; raw sockets from Node'],
    ['flush', 'none on either side but the kernel’s own (Kafka’s default)'],
    [
      'order',
      `A, B, B, A, ${facts.rounds} times; a new topic for every run; medians, and lowest–highest in brackets`,
    ],
  ]
  return ['| | |', '|---|---|', ...rows.map(([name, value]) => `| ${name} | ${value} |`)]
}

function distribution(): string {
  try {
    return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? ''
  } catch {
    return ''
  }
}

/** One row a scenario and unit. */
function table(figures: readonly Figure[]): string[] {
  const rows = figures
    .filter(figure => !figure.unit.endsWith('core %'))
    .map(figure => {
      const kafka = cell(figure.samples['apache-kafka'])
      const barnabas = cell(figure.samples.barnabas)
      return `| ${figure.scenario} | ${figure.unit} | ${kafka} | ${barnabas} | ${ratioText(figure)} |`
    })
  return [`| | | ${names['apache-kafka']} | ${names.barnabas} | ratio |`, '|---|---|---|---|---|', ...rows]
}

function cell(samples: readonly number[] | undefined): string {
  if (samples === undefined || samples.length === 0) return '–'
  const middle = round(median(samples))
  if (samples.length === 1) return middle
  return `${middle} (${round(Math.min(...samples))}–${round(Math.max(...samples))})`
}

function round(value: number): string {
  if (value >= 100) return value.toFixed(0)
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** Barnabas ÷ Kafka; null when one of them was not measured. */
function ratio(figure: Figure | undefined): number | null {
  const kafka = figure?.samples['apache-kafka']
  const barnabas = figure?.samples.barnabas
  if (kafka === undefined || barnabas === undefined) return null
  return median(barnabas) / median(kafka)
}

function ratioText(figure: Figure): string {
  const value = ratio(figure)
  if (value === null) return '–'
  return `${value.toFixed(2)} ${(figure.better === 'higher' ? value >= 1 : value <= 1) ? '' : '(worse)'}`.trim()
}

interface Goal {
  readonly words: string
  readonly section: string
  readonly scenario: RegExp
  readonly unit: string
  readonly met: (ratio: number, barnabas: number) => boolean
}

/** What the project set itself. */
const goals: readonly Goal[] = [
  ...[/^100 B, acks=1, 1 partition$/, /^1024 B, acks=1, 1 partition$/].flatMap((scenario): Goal[] => [
    {
      words: 'at least as many MB/s',
      section: 'Produce, ProducerPerformance',
      scenario,
      unit: 'MB/s',
      met: ratio => ratio >= 1,
    },
    {
      words: 'at most half the broker CPU',
      section: 'Produce, ProducerPerformance',
      scenario,
      unit: 'broker CPU s/GB',
      met: ratio => ratio <= 0.5,
    },
  ]),
  ...[/^100 B records in 15 KB/, /^1024 B records in 15 KB/].map(
    (scenario): Goal => ({
      words: 'more MB/s',
      section: 'Produce, prepared frames over a raw socket',
      scenario,
      unit: 'MB/s',
      met: ratio => ratio > 1,
    }),
  ),
  {
    words: 'at least as many MB/s',
    section: 'Fetch',
    scenario: /^Java consumer/,
    unit: 'MB/s',
    met: ratio => ratio >= 1,
  },
  {
    words: 'at most an eighth of the time',
    section: 'Start and memory',
    scenario: /^process start/,
    unit: 's',
    met: ratio => ratio <= 1 / 8,
  },
  {
    words: 'at most 100 MiB',
    section: 'Start and memory',
    scenario: /^memory when idle, resident/,
    unit: 'MiB',
    met: (_ratio, barnabas) => barnabas <= 100,
  },
  {
    words: 'at most a third',
    section: 'Start and memory',
    scenario: /^memory after the load above, resident/,
    unit: 'MiB',
    met: ratio => ratio <= 1 / 3,
  },
  ...groupGoals(),
  ...clusterGoals(),
]

function groupGoals(): readonly Goal[] {
  const goal = (section: string, unit: string): Goal => ({
    words: unit === 'MB/s' || unit === 'per second' ? 'at least as many' : 'no more',
    section,
    scenario: /./,
    unit,
    met: ratio => (unit === 'MB/s' || unit === 'per second' ? ratio >= 1 : ratio <= 1),
  })
  return [
    goal('A group forms', 's to stable'),
    goal('Positions', 'ms'),
    goal('Positions', 'per second'),
    goal('Positions', 's'),
    goal('Compaction', 'MB/s'),
    goal('Compaction', 'MiB resident at most'),
    goal('Memory after each part', 'MiB resident'),
  ]
}

function clusterGoals(): readonly Goal[] {
  const produce = 'Three brokers: produce with acks=all to three replicas'
  const led = 'Three brokers: 1,000 partitions led by one of them'
  const rates = ['100 B, 1 partition', '100 B, 16 partitions', '1024 B, 1 partition', '1024 B, 16 partitions']
  return [
    ...rates.flatMap((words): Goal[] => {
      const scenario = new RegExp(`^${words}$`)
      const late = new RegExp(`^${words}, p99 at half`)
      return [
        {
          words: 'at least as many MB/s',
          section: produce,
          scenario,
          unit: 'MB/s',
          met: ratio => ratio >= 1,
        },
        { words: 'no later', section: produce, scenario: late, unit: 'ms', met: ratio => ratio <= 1 },
        {
          words: 'at most 0.7 of the CPU of brokers and etcd',
          section: produce,
          scenario,
          unit: 'broker CPU s/GB',
          met: ratio => ratio <= 0.7,
        },
      ]
    }),
    {
      words: 'sooner, and at most 6 s',
      section: led,
      scenario: /^kill -9 .* last partition$/,
      unit: 's',
      met: (ratio, barnabas) => ratio < 1 && barnabas <= 6,
    },
    ...[/^leaders moved back/, /^the leader stops cleanly/].map(
      (scenario): Goal => ({
        words: 'at most 300 ms',
        section: led,
        scenario,
        unit: 'ms',
        met: (_ratio, barnabas) => barnabas <= 300,
      }),
    ),
  ]
}

function verdicts(figures: readonly Figure[]): string[] {
  const rows = goals.flatMap(goal => {
    const about = figures.filter(
      one => one.section === goal.section && goal.scenario.test(one.scenario) && one.unit === goal.unit,
    )
    return about.flatMap(figure => {
      const value = ratio(figure)
      if (value === null) return []
      const met = goal.met(value, median(figure.samples.barnabas ?? [])) ? 'reached' : '**not reached**'
      return [
        `| ${figure.section}: ${figure.scenario} | ${goal.words} | ${value.toFixed(2)} × Kafka | ${met} |`,
      ]
    })
  })
  if (rows.length === 0) return []
  return ['## Goals', '', '| | goal | measured | |', '|---|---|---|---|', ...rows]
}

function bounds(figures: readonly Figure[]): string[] {
  const busy = (figure: Figure, unit: string, target: Target): number => {
    const same = figures.find(
      one => one.section === figure.section && one.scenario === figure.scenario && one.unit === unit,
    )
    return median(same?.samples[target] ?? [])
  }
  const rows = figures
    .filter(figure => figure.unit === 'MB/s')
    .map(figure => {
      const cells = (['apache-kafka', 'barnabas'] as const).map(target => {
        if (figure.samples[target] === undefined) return '–'
        const broker = busy(figure, 'broker core %', target)
        const client = busy(figure, 'client core %', target)
        const others = busy(figure, 'others core %', target)
        const bound = client > 90 ? 'the client' : broker > 90 ? 'the broker' : 'neither alone'
        return `${bound} (broker ${broker.toFixed(0)} %, client ${client.toFixed(0)} %, others ${others.toFixed(0)} %)`
      })
      return `| ${figure.section}: ${figure.scenario} | ${cells.join(' | ')} |`
    })
  return [`| | ${names['apache-kafka']} | ${names.barnabas} |`, '|---|---|---|', ...rows]
}
