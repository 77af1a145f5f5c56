import type { Random } from '../../runtime/random.ts'
import { applyChanges } from '../metadata/changes.ts'
import type { ConfigResource, ConfigResourceType, MetadataImage } from '../metadata/image.ts'
import type { MetadataChange } from '../metadata/keys.ts'

/** What a pure command made of one item: the changes to commit, all or none, and the answer once they are. */
export interface Decision<Result> {
  /** Empty when there is nothing to write: the item was refused, or only validated, or is as wanted already. */
  readonly changes: readonly MetadataChange[]
  readonly result: Result
}

/** What commands need besides the image and the request. */
export interface DecisionContext {
  readonly random: Random
  readonly rules: ControllerRules
}

/** Settings and checks that the controller follows; every value is asked for when it is needed, so it may change. */
export interface ControllerRules {
  /** num.partitions */
  defaultPartitions(): number
  /** default.replication.factor */
  defaultReplicationFactor(): number
  /** delete.topic.enable */
  deletesTopics(): boolean
  /** unclean.leader.election.enable as it holds for the topic */
  electsUncleanly(topic: string): boolean
  /** auto.leader.rebalance.enable */
  balancesLeaders(): boolean
  /** leader.imbalance.check.interval.seconds, in milliseconds */
  leaderBalanceIntervalMs(): number
  readonly configs: ConfigRules
}

/** What the declared settings say about overrides. */
export interface ConfigRules {
  /** A sentence when these overrides, all together, may not be stored for the resource; else null. */
  findMistake(resource: ConfigResource, overrides: ReadonlyMap<string, string>): string | null
  /** Whether the setting is a list, so that APPEND and SUBTRACT make sense. */
  isList(type: ConfigResourceType, setting: string): boolean
  /** The value in force without an override, or null when there is none. */
  defaultValue(type: ConfigResourceType, setting: string): string | null
}

/**
 * Decides item after item, each on the image as it will be when those before it are committed: so two items of one
 * request cannot contradict each other.
 */
export function decideInTurn<Item, Result>(
  image: MetadataImage,
  items: readonly Item[],
  decide: (image: MetadataImage, item: Item) => Decision<Result>,
): Decision<Result>[] {
  let draft = image
  return items.map(item => {
    const decision = decide(draft, item)
    if (decision.changes.length > 0) draft = withUncommitted(draft, decision.changes)
    return decision
  })
}

/** The image as if the changes were committed. Only to decide on: what changed has no revision yet. */
export function withUncommitted(image: MetadataImage, changes: readonly MetadataChange[]): MetadataImage {
  const revised = changes.map(change => ({ change, createRevision: -1, modRevision: -1 }))
  return applyChanges(image, image.revision, revised).image
}
