/** The parts in their order. What one needs from another (a Cluster, a thousand Topics) is made once, by whichever comes first. */
import {
  type ClusterLife,
  deleteNamespace,
  deletionFigures,
  makeCluster,
  makeRecords,
  readyFigure,
} from './cluster-life.ts'
import { type Figure, seconds } from './figure.ts'
import { measureQuiet } from './quiet.ts'
import type { PartResult } from './results.ts'
import { rollUnderLoad } from './roll.ts'
import type { Stand } from './stand.ts'
import {
  applyThousandTopics,
  memoryFigures,
  mostOf,
  type Restart,
  restartFigure,
  restartOperator,
  type ThousandTopics,
  topicsFigure,
} from './thousand-topics.ts'

const parts: Readonly<Record<string, (figures: Figures) => Promise<readonly Figure[]>>> = {
  ready: async figures => [readyFigure(await figures.lives())],
  deletion: async figures => deletionFigures(await figures.lives()),
  roll: async figures => [await figures.roll()],
  topics: async figures => [topicsFigure(await figures.thousandTopics())],
  restart: async figures => [restartFigure(await figures.restarts())],
  memory: figures => figures.memory(),
  quiet: async figures => [await figures.quiet()],
}

export const partNames: readonly string[] = Object.keys(parts)

export interface FigureOptions {
  readonly rounds: number
  readonly quietMinutes: number
  readonly tell: (what: string) => void
}

export class Figures {
  readonly #stand: Stand
  readonly #options: FigureOptions
  #lives: Promise<readonly ClusterLife[]> | undefined
  #cluster: Promise<string> | undefined
  #topics: Promise<ThousandTopics> | undefined
  #restarts: Promise<readonly Restart[]> | undefined

  constructor(stand: Stand, options: FigureOptions) {
    this.#stand = stand
    this.#options = options
  }

  /** One that fails is told and keeps none of the others back. */
  async measure(chosen: readonly string[]): Promise<readonly PartResult[]> {
    const results: PartResult[] = []
    for (const [name, part] of Object.entries(parts)) {
      if (!chosen.includes(name)) continue
      this.#options.tell(name)
      try {
        const figures = await part(this)
        for (const { measured, goal } of figures) this.#options.tell(`${name}: ${measured} (${goal})`)
        results.push({ name, figures })
      } catch (error) {
        const failure = error instanceof Error ? error.message : String(error)
        this.#options.tell(`${name} failed: ${failure}`)
        results.push({ name, figures: [], failure })
      }
    }
    return results
  }

  /** Clusters that come and go, one after the other. */
  lives(): Promise<readonly ClusterLife[]> {
    this.#lives ??= this.#liveAll()
    return this.#lives
  }

  async roll(): Promise<Figure> {
    return rollUnderLoad(this.#stand, await this.#namespace())
  }

  thousandTopics(): Promise<ThousandTopics> {
    this.#topics ??= this.#namespace().then(async namespace => {
      const made = await applyThousandTopics(this.#stand, namespace)
      this.#options.tell(`1,000 Topics are ready after ${seconds(made.tookMs)}`)
      return made
    })
    return this.#topics
  }

  restarts(): Promise<readonly Restart[]> {
    this.#restarts ??= this.#restartAll()
    return this.#restarts
  }

  async memory(): Promise<readonly Figure[]> {
    const { memory } = await this.thousandTopics()
    const restarts = await this.restarts()
    return memoryFigures(memory, mostOf(restarts.map(each => each.memory)))
  }

  async quiet(): Promise<Figure> {
    await this.thousandTopics()
    return measureQuiet(this.#stand, {
      namespace: await this.#namespace(),
      minutes: this.#options.quietMinutes,
      progress: this.#options.tell,
    })
  }

  async #restartAll(): Promise<readonly Restart[]> {
    await this.thousandTopics()
    const namespace = await this.#namespace()
    const restarts: Restart[] = []
    for (let round = 1; round <= this.#options.rounds; round++) {
      const restart = await restartOperator(this.#stand, namespace, round)
      this.#options.tell(`the next operator has seen everything after ${seconds(restart.tookMs)}`)
      restarts.push(restart)
    }
    return restarts
  }

  async #liveAll(): Promise<readonly ClusterLife[]> {
    const lives: ClusterLife[] = []
    for (let round = 1; round <= this.#options.rounds; round++) {
      for (const hasRecords of [false, true]) lives.push(await this.#liveOnce(hasRecords))
    }
    return lives
  }

  async #liveOnce(hasRecords: boolean): Promise<ClusterLife> {
    const { namespace, tookMs, pods } = await makeCluster(this.#stand)
    this.#options.tell(`a Cluster is ready after ${seconds(tookMs)}: ${pods.join('; ')}`)
    if (hasRecords) await makeRecords(this.#stand, namespace)
    const deletion = await deleteNamespace(this.#stand, namespace)
    const kept = hasRecords ? ', with records,' : ''
    this.#options.tell(`its namespace${kept} is gone after ${seconds(deletion.tookMs)}`)
    return { readyMs: tookMs, pods, hasRecords, ...deletion }
  }

  /** That of the Cluster which stays to the end. */
  #namespace(): Promise<string> {
    this.#cluster ??= makeCluster(this.#stand).then(({ namespace }) => namespace)
    return this.#cluster
  }
}
