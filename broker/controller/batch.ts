import { type ErrorName, type Uuid, uuidFromRandom } from '../../protocol/index.ts'
import type { Random } from '../../runtime/random.ts'
import type { ImageFollower } from '../metadata/image-follower.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { MetadataChange } from '../metadata/keys.ts'
import type { Committed, ControllerCommits } from './controller-commits.ts'
import { type Decision, decideInTurn } from './decision.ts'
import { chunksOf, journalledSteps, mostChanges, packItems } from './transactions.ts'

/** Items that are decided and committed each for itself, in one command. */
export interface Batch<Item, Result> {
  readonly name: string
  readonly items: readonly Item[]
  decide(image: MetadataImage, item: Item): Decision<Result>
  /** The answer for an item that could not be committed. */
  refuse(item: Item, error: ErrorName, message: string): Result
  /** Each item costs somebody a moment: the next ones are committed only when all brokers have carried out those before. */
  readonly inWaves?: boolean
  /** What has to be committed before the items' changes; each of it stands for itself. */
  before?(image: MetadataImage, changes: readonly MetadataChange[]): readonly MetadataChange[]
}

/** Decisions that lost a race against other writes are made anew this many times. */
const mostAttempts = 5

/** Commits in the air at once. */
const mostInFlight = 32

/** Resolves when brokers have carried out what the metadata says at the revision, or have had time enough for it. */
export type Pace = (revision: number) => Promise<void>

/** Changes that are committed one transaction after the other, at a pace. */
const oneAfterTheOther = 1

/** Carries out batches: decide, commit, decide anew what collided, answer when the own image shows it. */
export class BatchRunner {
  readonly #images: ImageFollower
  readonly #commits: ControllerCommits
  readonly #random: Random

  readonly #newPace: () => Pace

  constructor(options: BatchRunnerOptions) {
    this.#images = options.images
    this.#commits = options.commits
    this.#random = options.random
    this.#newPace = options.newPace
  }

  /** One result per item, in order. */
  async run<Item, Result>(batch: Batch<Item, Result>): Promise<Result[]> {
    const results: Result[] = []
    let open = [...batch.items.keys()]
    let latest = 0
    for (let attempt = 0; open.length > 0; attempt++) {
      const image = this.#images.image
      const items = open.map(at => batch.items[at]!)
      const decisions = decideInTurn(image, items, (draft, item) => batch.decide(draft, item))
      const changeSets = decisions.map(decision => decision.changes)
      const outcomes: Committed[] = (await this.#commitBefore(image, changeSets, batch))
        ? await this.#commitAll(image, changeSets, batch.name, batch.inWaves)
        : changeSets.map(() => ({ kind: 'conflict', revision: 0 }))

      const collided: number[] = []
      for (const [position, outcome] of outcomes.entries()) {
        const at = open[position]!
        if (outcome.kind === 'conflict' && attempt + 1 < mostAttempts) collided.push(at)
        else if (outcome.kind === 'done') results[at] = decisions[position]!.result
        else results[at] = refusal(batch, batch.items[at]!, outcome)
        if ('revision' in outcome) latest = Math.max(latest, outcome.revision)
      }
      open = collided
      await this.#commits.imageAt(latest)
    }
    return results
  }

  async #commitBefore<Item, Result>(
    image: MetadataImage,
    changeSets: readonly (readonly MetadataChange[])[],
    batch: Batch<Item, Result>,
  ): Promise<boolean> {
    const changes = batch.before?.(image, changeSets.flat()) ?? []
    return changes.length === 0 || (await this.commitEach(image, changes, batch.name))
  }

  /** Commits each change set as a whole, as many together as fit; one outcome each, in order. */
  async #commitAll(
    image: MetadataImage,
    changeSets: readonly (readonly MetadataChange[])[],
    reason: string,
    inWaves = false,
  ): Promise<Committed[]> {
    const outcomes: Committed[] = changeSets.map(() => ({ kind: 'done', revision: 0 }))
    const small = [...changeSets.keys()].filter(at => isBetween(changeSets[at]!.length, 1, mostChanges))
    const packed = packItems(small.map(at => changeSets[at]!)).map(places =>
      places.map(place => small[place]!),
    )
    const pace = this.#newPace()
    await inParallel(packed, inWaves ? oneAfterTheOther : mostInFlight, async places => {
      const outcome = await this.#commits.commit(
        image,
        places.flatMap(at => changeSets[at]!),
      )
      for (const at of places) outcomes[at] = outcome
      if (inWaves && outcome.kind === 'done' && places !== packed.at(-1)) await pace(outcome.revision)
    })
    for (const [at, changes] of changeSets.entries()) {
      if (changes.length > mostChanges) outcomes[at] = await this.#commitJournalled(image, changes, reason)
    }
    return outcomes
  }

  /** Commits changes of which each stands for itself; true when all are done and the own image shows them. */
  commitEach(image: MetadataImage, changes: readonly MetadataChange[], reason: string): Promise<boolean> {
    return this.#commitEach(image, changes, reason, false)
  }

  /** The same for changes of which each costs somebody a moment, so that not all have to wait for all. */
  commitInWaves(image: MetadataImage, changes: readonly MetadataChange[], reason: string): Promise<boolean> {
    return this.#commitEach(image, changes, reason, true)
  }

  async #commitEach(
    image: MetadataImage,
    changes: readonly MetadataChange[],
    reason: string,
    inWaves: boolean,
  ): Promise<boolean> {
    const changeSets = changes.map(change => [change])
    const outcomes = await this.#commitAll(image, changeSets, reason, inWaves)
    let latest = 0
    for (const outcome of outcomes) if ('revision' in outcome) latest = Math.max(latest, outcome.revision)
    const seen = await this.#commits.imageAt(latest)
    return seen !== undefined && outcomes.every(outcome => outcome.kind === 'done')
  }

  /** Removes partition keys that an operation of an earlier controller, or a failed one, left outside a topic. */
  async finishOperations(): Promise<boolean> {
    let finished = true
    for (const operation of this.#images.image.operations.values()) {
      const image = this.#images.image
      const leftovers: MetadataChange[] = []
      for (const index of image.detachedPartitions.get(operation.topicId)?.keys() ?? []) {
        if (index < operation.from || index >= operation.to) continue
        leftovers.push({ kind: 'partition', topicId: operation.topicId, index, partition: null })
      }
      const closing: MetadataChange = { kind: 'operation', id: operation.id, operation: null }
      finished = (await this.#commitChunks(image, leftovers)).kind === 'done' && finished
      if (finished) finished = (await this.#commits.commit(image, [closing])).kind === 'done'
    }
    return finished
  }

  async #commitJournalled(
    image: MetadataImage,
    changes: readonly MetadataChange[],
    reason: string,
  ): Promise<Committed> {
    const id: Uuid = uuidFromRandom(size => this.#random.bytes(size))
    const steps = journalledSteps(id, changes, reason)
    const isGrowth = steps.before.length > 0
    const opening = isGrowth ? [steps.openJournal] : [...steps.commit, steps.openJournal]
    const opened = await this.#commits.commit(image, opening)
    if (opened.kind !== 'done') return opened

    const chunks = await this.#commitChunks(image, isGrowth ? steps.before : steps.after)
    const journalled = await this.#commits.imageAt(
      Math.max(opened.revision, 'revision' in chunks ? chunks.revision : 0),
    )
    // What was begun and not finished is finished by finishOperations; a deletion counts from its opening.
    if (chunks.kind !== 'done') return isGrowth ? chunks : opened
    if (journalled === undefined)
      return isGrowth ? { kind: 'unavailable', reason: 'the image does not catch up' } : opened

    const closing = isGrowth ? [...steps.commit, steps.closeJournal] : [steps.closeJournal]
    const closed = await this.#commits.commit(journalled, closing)
    return isGrowth ? closed : opened
  }

  async #commitChunks(image: MetadataImage, changes: readonly MetadataChange[]): Promise<Committed> {
    let latest: Committed = { kind: 'done', revision: 0 }
    await inParallel(chunksOf(changes), mostInFlight, async chunk => {
      const outcome = await this.#commits.commit(image, chunk)
      if (latest.kind !== 'done') return
      if (outcome.kind !== 'done' || outcome.revision > latest.revision) latest = outcome
    })
    return latest
  }
}

function refusal<Item, Result>(
  batch: Batch<Item, Result>,
  item: Item,
  outcome: Exclude<Committed, { kind: 'done' }>,
): Result {
  switch (outcome.kind) {
    case 'deposed':
      return batch.refuse(item, 'NOT_CONTROLLER', 'This broker is no longer the active controller.')
    case 'unavailable':
      return batch.refuse(
        item,
        'REQUEST_TIMED_OUT',
        `The metadata store did not confirm the change: ${outcome.reason}`,
      )
    case 'conflict':
      return batch.refuse(item, 'REQUEST_TIMED_OUT', 'The metadata kept changing meanwhile.')
  }
}

function isBetween(value: number, least: number, most: number): boolean {
  return value >= least && value <= most
}

interface BatchRunnerOptions {
  readonly images: ImageFollower
  readonly commits: ControllerCommits
  readonly random: Random
  /** A pace for the waves of one batch. */
  readonly newPace: () => Pace
}

async function inParallel<T>(
  jobs: readonly T[],
  most: number,
  run: (job: T) => Promise<void>,
): Promise<void> {
  const queue = jobs.values()
  const work = async (): Promise<void> => {
    for (const job of queue) await run(job)
  }
  await Promise.all(Array.from({ length: Math.min(most, jobs.length) }, work))
}
