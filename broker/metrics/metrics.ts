import { collectDefaultMetrics, Registry } from 'prom-client'

/**
 * What /metrics shows. Parts count in plain fields of their own and register how these are read; nothing is computed until
 * somebody scrapes. `collect` functions are short and never wait.
 */
export class Metrics {
  readonly #registry = new Registry()
  #running: Promise<string> | undefined

  get contentType(): string {
    return this.#registry.contentType
  }

  register(...declarations: readonly Metric[]): void {
    for (const declaration of declarations) {
      // The registry needs no more of a metric than its name and `get`; its own classes cannot be set from outside.
      this.#registry.registerMetric(
        readable(declaration) as unknown as Parameters<Registry['registerMetric']>[0],
      )
    }
  }

  /** process_* and nodejs_*: CPU, memory, heap, garbage collection, event-loop lag. Once a process. */
  registerProcess(): void {
    collectDefaultMetrics({ register: this.#registry })
  }

  /** The exposition text. Scrapes that come while one is running get the same text. */
  text(): Promise<string> {
    this.#running ??= this.#registry.metrics().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }
}

export interface Metric {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly collect: (emit: Emit) => void
}

export type Labels = Readonly<Record<string, string | number>>

/** `suffix` is for the parts of a histogram: `_bucket`, `_sum`, `_count`. */
export type Emit = (value: number, labels?: Labels, suffix?: string) => void

interface ReadableMetric {
  readonly name: string
  get(): Promise<{
    readonly name: string
    readonly help: string
    readonly type: Metric['type']
    readonly values: readonly {
      readonly metricName: string
      readonly value: number
      readonly labels: Labels
    }[]
  }>
  reset(): void
}

function readable({ name, help, type, collect }: Metric): ReadableMetric {
  return {
    name,
    get: async () => {
      const values: { metricName: string; value: number; labels: Labels }[] = []
      collect((value, labels = {}, suffix = '') => values.push({ metricName: name + suffix, value, labels }))
      return { name, help, type, values }
    },
    reset: () => undefined,
  }
}
