import type { Registry } from 'prom-client'
import { assert } from '../../runtime/assert.ts'

/**
 * What /metrics shows. Parts count in plain fields of their own and register how these are read; nothing is computed until
 * somebody scrapes, and the library that writes the text is not even loaded before. `collect` functions are short and
 * never wait.
 */
export class Metrics {
  readonly #declarations: Metric[] = []
  #describesProcess = false
  #registry: Promise<Registry> | undefined
  #registered = 0
  #running: Promise<Exposition> | undefined

  register(...declarations: readonly Metric[]): void {
    for (const declaration of declarations) {
      const isNew = this.#declarations.every(({ name }) => name !== declaration.name)
      assert(isNew, 'Two metrics have the same name.', { name: declaration.name })
      this.#declarations.push(declaration)
    }
  }

  /** process_* and nodejs_*: CPU, memory, heap, garbage collection, event-loop lag since the first scrape. Once a process. */
  registerProcess(): void {
    this.#describesProcess = true
  }

  /** The exposition. Scrapes that come while one is running get the same. */
  expose(): Promise<Exposition> {
    this.#running ??= this.#expose().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #expose(): Promise<Exposition> {
    this.#registry ??= this.#load()
    const registry = await this.#registry
    for (const declaration of this.#declarations.slice(this.#registered)) {
      // The registry needs no more of a metric than its name and `get`; its own classes cannot be set from outside.
      registry.registerMetric(readable(declaration) as unknown as Parameters<Registry['registerMetric']>[0])
      this.#registered++
    }
    return { contentType: registry.contentType, text: await registry.metrics() }
  }

  async #load(): Promise<Registry> {
    const { collectDefaultMetrics, Registry } = await import('prom-client')
    const registry = new Registry()
    if (this.#describesProcess) collectDefaultMetrics({ register: registry })
    return registry
  }
}

export interface Exposition {
  readonly contentType: string
  readonly text: string
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
