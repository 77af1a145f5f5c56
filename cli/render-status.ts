/** What the live view shows, and the lines to paste. Pure. */
import type { ProcessStatus } from './local-process.ts'

export interface LocalStatus {
  readonly cluster: string
  /** Brokers, and etcd where there is one. */
  readonly processes: readonly ProcessStatus[]
  readonly topics: readonly { readonly name: string; readonly partitions: number }[]
  readonly bootstrap: string
  readonly metricsUrl: string
  readonly upForMs: number
}

const marks = {
  starting: '…',
  recovering: '…',
  ready: '●',
  unready: '!',
  restarting: '!',
  stopping: '…',
  stopped: '○',
  failed: '✗',
} as const

export function renderStatus(status: LocalStatus): string[] {
  const lines = ['', `${status.cluster}  up ${formatTime(status.upForMs)}`]
  for (const { name, state, detail, restarts } of status.processes) {
    const again = restarts === 0 ? '' : `, restarted ${restarts === 1 ? 'once' : `${restarts} times`}`
    lines.push(`  ${name.padEnd(8)}  ${marks[state]} ${state}${again}${detail === '' ? '' : `: ${detail}`}`)
  }
  if (status.topics.length > 0) lines.push(`  topics    ${listTopics(status.topics)}`)
  if (status.processes.some(({ state }) => state === 'ready')) {
    lines.push(`  connect   ${status.bootstrap}`, `  metrics   ${status.metricsUrl}`)
  }
  lines.push('  Ctrl-C    stops it')
  return lines
}

const mostTopicsListed = 8

function listTopics(topics: LocalStatus['topics']): string {
  const listed = topics.slice(0, mostTopicsListed).map(({ name, partitions }) => `${name} (${partitions})`)
  const more = topics.length - listed.length
  return listed.join(', ') + (more > 0 ? ` and ${more} more` : '')
}

function formatTime(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return parts
    .slice(parts[0] === 0 ? 1 : 0)
    .map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, '0')))
    .join(':')
}

/** How to produce to and consume from the cluster, to be pasted. */
export function renderInstructions(bootstrap: string, topic: string): string[] {
  return [
    `Connect Kafka clients to ${bootstrap}. To produce and to consume, paste:`,
    '',
    `  echo hello | kcat -P -b ${bootstrap} -t ${topic}`,
    `  kcat -C -b ${bootstrap} -t ${topic} -o beginning -e`,
    '',
    "or with Kafka's own tools:",
    '',
    `  kafka-console-producer.sh --bootstrap-server ${bootstrap} --topic ${topic}`,
    `  kafka-console-consumer.sh --bootstrap-server ${bootstrap} --topic ${topic} --from-beginning`,
    '',
  ]
}
