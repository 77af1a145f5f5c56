import type { Metric } from './metrics.ts'

/** How long the event loop waited and worked since it began, in milliseconds. */
export interface EventLoopTimes {
  readonly idle: number
  readonly active: number
}

/** How idle the broker is, under both names that dashboards know: in Kafka each is of another pool of threads. */
export function idleMetrics(times: () => EventLoopTimes): Metric[] {
  const share = new IdleShare(times)
  const idle = (name: string, what: string): Metric => ({
    name,
    type: 'gauge',
    help:
      `Share (0 to 1) of at least the last minute in which the thread that ${what} waited for something to do. ` +
      'One thread reads, handles and answers all requests, so both figures of idleness are the same.',
    collect: emit => emit(share.read()),
  })
  return [
    idle('kafka_network_socketserver_networkprocessoravgidle_percent', 'reads requests and sends answers'),
    idle('kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent', 'handles requests'),
  ]
}

const windowMs = 60_000

/** Of the time since a mark that is one to two minutes old, or as old as scrapes are apart. However many ask, all see the same. */
class IdleShare {
  readonly #times: () => EventLoopTimes
  #from: EventLoopTimes
  #next: EventLoopTimes

  constructor(times: () => EventLoopTimes) {
    this.#times = times
    this.#from = times()
    this.#next = this.#from
  }

  read(): number {
    const now = this.#times()
    if (between(this.#next, now) >= windowMs) {
      this.#from = this.#next
      this.#next = now
    }
    const wholeMs = between(this.#from, now)
    return wholeMs <= 0 ? 1 : (now.idle - this.#from.idle) / wholeMs
  }
}

function between(from: EventLoopTimes, to: EventLoopTimes): number {
  return to.idle + to.active - from.idle - from.active
}
