/** What is to be done so that the topics are as their manifests say. Pure. */
import { type SettingChange, settingChanges } from '../operator/index.ts'

export interface WantedTopic {
  readonly name: string
  readonly partitions: number | undefined
  readonly replicationFactor: number | undefined
  readonly settings: ReadonlyMap<string, string>
  readonly driftPolicy: 'Enforce' | 'Report'
}

export interface ActualTopic {
  readonly partitions: number
  readonly replicationFactor: number
  /** Overrides, by Kafka's names. */
  readonly settings: ReadonlyMap<string, string>
}

export type TopicStep =
  | { readonly kind: 'create'; readonly topic: WantedTopic }
  | { readonly kind: 'addPartitions'; readonly name: string; readonly from: number; readonly to: number }
  | { readonly kind: 'alterSettings'; readonly name: string; readonly changes: readonly SettingChange[] }
  /** Wanted, and not possible or not allowed: a sentence. */
  | { readonly kind: 'refuse'; readonly name: string; readonly sentence: string }
  | { readonly kind: 'keep'; readonly name: string }

/**
 * `applied`: the settings that an earlier run set for the topic; those that the manifest no longer names go back to the
 * default. Settings that others set, and the manifest does not name, are left alone.
 */
export function planTopic(
  wanted: WantedTopic,
  actual: ActualTopic | undefined,
  applied: readonly string[],
): readonly TopicStep[] {
  if (actual === undefined) return [{ kind: 'create', topic: wanted }]
  const { name } = wanted
  const refused: TopicStep[] = []
  const steps: TopicStep[] = []
  const { partitions, replicationFactor } = wanted
  if (partitions !== undefined && partitions < actual.partitions) {
    refused.push({
      kind: 'refuse',
      name,
      sentence: `Topic ${name} has ${actual.partitions} partitions; it cannot shrink to ${partitions}, because records would be lost.`,
    })
  }
  if (replicationFactor !== undefined && replicationFactor !== actual.replicationFactor) {
    refused.push({
      kind: 'refuse',
      name,
      sentence: `Topic ${name} has ${actual.replicationFactor} replicas; this version does not change that to ${replicationFactor}.`,
    })
  }
  if (partitions !== undefined && partitions > actual.partitions) {
    steps.push({ kind: 'addPartitions', name, from: actual.partitions, to: partitions })
  }
  const changes = settingChanges(wanted.settings, actual.settings, applied)
  if (changes.length > 0) steps.push({ kind: 'alterSettings', name, changes })

  const all = wanted.driftPolicy === 'Enforce' ? steps : steps.map(reportOnly)
  return refused.length + all.length === 0 ? [{ kind: 'keep', name }] : [...refused, ...all]
}

function reportOnly(step: TopicStep): TopicStep {
  if (step.kind !== 'addPartitions' && step.kind !== 'alterSettings') return step
  return {
    kind: 'refuse',
    name: step.name,
    sentence: `${describeStep(step)} Not done, because driftPolicy is Report.`,
  }
}

/** A sentence on what is done. */
export function describeStep(step: TopicStep): string {
  switch (step.kind) {
    case 'create':
      return `Topic ${step.topic.name}: created.`
    case 'addPartitions':
      return `Topic ${step.name}: from ${step.from} to ${step.to} partitions.`
    case 'alterSettings':
      return `Topic ${step.name}: ${step.changes.map(describeChange).join(', ')}.`
    case 'refuse':
      return step.sentence
    case 'keep':
      return `Topic ${step.name}: as it should be.`
  }
}

function describeChange({ name, from, to }: SettingChange): string {
  if (to === null) return `${name} back to its default (was ${from})`
  return from === undefined ? `${name} = ${to}` : `${name} = ${to} (was ${from})`
}
