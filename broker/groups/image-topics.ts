import type { Uuid } from '../../protocol/index.ts'
import type { MetadataImage, TopicImage } from '../metadata/image.ts'
import { compareText } from './assignment-draft.ts'
import type { GroupTopic, GroupTopics } from './group-topics.ts'

/** The topics of the cluster's newest image, for groups: the same object as long as topics and racks are the same. */
export class ImageTopics {
  readonly #image: () => MetadataImage
  #topics: TopicsOfImage | undefined

  constructor(image: () => MetadataImage) {
    this.#image = image
  }

  get current(): GroupTopics {
    const image = this.#image()
    const before = this.#topics
    if (before?.image === image) return before
    if (before !== undefined && before.shows(image)) {
      before.image = image
      return before
    }
    this.#topics = new TopicsOfImage(image, before)
    return this.#topics
  }
}

class TopicsOfImage implements GroupTopics {
  image: MetadataImage
  readonly revision: number
  readonly #racks: ReadonlyMap<number, string>
  readonly #rackText: string
  readonly #known: WeakMap<TopicImage, GroupTopic>
  readonly #topicsById: MetadataImage['topicsById']
  readonly #topicsByName: MetadataImage['topicsByName']
  #before: TopicsOfImage | undefined
  #namesRevision: number | undefined

  constructor(image: MetadataImage, before: TopicsOfImage | undefined) {
    this.image = image
    this.revision = image.revision
    this.#topicsById = image.topicsById
    this.#topicsByName = image.topicsByName
    this.#racks = racksOf(image)
    this.#rackText = textOf(this.#racks)
    this.#known = before !== undefined && before.#rackText === this.#rackText ? before.#known : new WeakMap()
    this.#before = before
    // A chain of what nobody asked must not grow.
    if (before !== undefined && before.#before !== undefined) void this.namesRevision
  }

  shows(image: MetadataImage): boolean {
    return image.topicsByName === this.#topicsByName && textOf(racksOf(image)) === this.#rackText
  }

  get namesRevision(): number {
    if (this.#namesRevision === undefined) {
      const before = this.#before
      this.#namesRevision =
        before !== undefined && sameKeys(before.#topicsById, this.#topicsById)
          ? before.namesRevision
          : this.revision
      this.#before = undefined
    }
    return this.#namesRevision
  }

  byName(name: string): GroupTopic | undefined {
    return this.#asGroupTopic(this.#topicsByName.get(name))
  }

  byId(id: Uuid): GroupTopic | undefined {
    return this.#asGroupTopic(this.#topicsById.get(id))
  }

  names(): Iterable<string> {
    return this.#topicsByName.keys()
  }

  #asGroupTopic(topic: TopicImage | undefined): GroupTopic | undefined {
    if (topic === undefined) return undefined
    let known = this.#known.get(topic)
    if (known === undefined) {
      const { id, name, partitions } = topic
      known = { id, name, partitionCount: partitions.length, racks: this.#racksOf(topic) }
      this.#known.set(topic, known)
    }
    return known
  }

  #racksOf({ partitions }: TopicImage): readonly (readonly string[])[] {
    if (this.#racks.size === 0) return []
    return partitions.map(({ replicas }) => {
      const racks = new Set<string>()
      for (const broker of replicas) {
        const rack = this.#racks.get(broker)
        if (rack !== undefined) racks.add(rack)
      }
      return [...racks].sort(compareText)
    })
  }
}

function racksOf({ brokers }: MetadataImage): ReadonlyMap<number, string> {
  const racks = new Map<number, string>()
  for (const { id, rack } of brokers.values()) if (rack !== null) racks.set(id, rack)
  return racks
}

function textOf(racks: ReadonlyMap<number, string>): string {
  return JSON.stringify([...racks].sort(([a], [b]) => a - b))
}

function sameKeys(one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): boolean {
  if (one.size !== other.size) return false
  for (const key of one.keys()) if (!other.has(key)) return false
  return true
}
