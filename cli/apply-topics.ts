/** Makes the topics of a running cluster be as their manifests say. */
import {
  addPartitions,
  type AdminResult,
  alterTopicConfigs,
  type Requester,
  createNewTopics,
} from '../client/index.ts'
import { describeTopicOverrides, describeTopics } from '../client/index.ts'
import { nameOfTopic, settingsOfTopic, type Topic } from '../operator/index.ts'
import { type ActualTopic, describeStep, planTopic, type TopicStep, type WantedTopic } from './plan-topics.ts'

/** Topic → the settings that were set for it. */
export type AppliedSettings = Readonly<Record<string, readonly string[]>>

export interface TopicOutcome {
  readonly name: string
  readonly partitions: number
  /** What was done or refused, in sentences; none when nothing was to do. */
  readonly sentences: readonly string[]
  readonly isRefused: boolean
}

export interface AppliedTopics {
  readonly outcomes: readonly TopicOutcome[]
  /** To be remembered for the next run. */
  readonly applied: AppliedSettings
}

/** Rejects with a ConnectionError when the broker goes away. Refusals of single topics are outcomes. */
export async function applyTopics(
  connection: Requester,
  topics: readonly Topic[],
  applied: AppliedSettings,
): Promise<AppliedTopics> {
  const wanted = topics.map(wantedTopic)
  const actual = await actualTopics(connection, wanted)
  const outcomes: TopicOutcome[] = []
  for (const topic of wanted) {
    const steps = planTopic(topic, actual.get(topic.name), applied[topic.name] ?? [])
    const sentences: string[] = []
    let isRefused = false
    for (const step of steps) {
      if (step.kind === 'keep') continue
      const refusal = step.kind === 'refuse' ? step.sentence : await carryOut(connection, step)
      isRefused ||= refusal !== undefined
      sentences.push(refusal ?? describeStep(step))
    }
    outcomes.push({ name: topic.name, partitions: 0, sentences, isRefused })
  }
  const after = await describeTopics(
    connection,
    wanted.map(({ name }) => name),
  )
  const partitions = new Map(after.map(topic => [topic.name, topic.partitions]))
  return {
    outcomes: outcomes.map(outcome => ({ ...outcome, partitions: partitions.get(outcome.name) ?? 0 })),
    applied: {
      ...applied,
      ...Object.fromEntries(wanted.map(({ name, settings }) => [name, [...settings.keys()]])),
    },
  }
}

export function wantedTopic(topic: Topic): WantedTopic {
  const { partitions, replicationFactor, driftPolicy } = topic.spec
  return {
    name: nameOfTopic(topic),
    partitions,
    replicationFactor,
    driftPolicy,
    settings: settingsOfTopic(topic),
  }
}

async function actualTopics(
  connection: Requester,
  wanted: readonly WantedTopic[],
): Promise<ReadonlyMap<string, ActualTopic>> {
  if (wanted.length === 0) return new Map()
  const described = await describeTopics(
    connection,
    wanted.map(({ name }) => name),
  )
  const overrides = await describeTopicOverrides(
    connection,
    described.map(({ name }) => name),
  )
  return new Map(
    described.map(({ name, partitions, replicationFactor }) => [
      name,
      { partitions, replicationFactor, settings: overrides.get(name) ?? new Map() },
    ]),
  )
}

/** A sentence when the broker refused. */
async function carryOut(
  connection: Requester,
  step: Exclude<TopicStep, { kind: 'refuse' | 'keep' }>,
): Promise<string | undefined> {
  switch (step.kind) {
    case 'create':
      return refusalOf(
        await createNewTopics(connection, [step.topic]),
        `Topic ${step.topic.name} was not created`,
      )
    case 'addPartitions':
      return refusalOf(
        await addPartitions(connection, [{ name: step.name, partitions: step.to }]),
        `Topic ${step.name} did not get ${step.to} partitions`,
      )
    case 'alterSettings':
      return refusalOf(
        await alterTopicConfigs(connection, [
          { name: step.name, changes: step.changes.map(({ name, to }) => ({ name, value: to })) },
        ]),
        `The settings of topic ${step.name} were not changed`,
      )
  }
}

function refusalOf(results: readonly AdminResult[], what: string): string | undefined {
  const refused = results.find(({ error }) => error !== 'NONE')
  return refused === undefined ? undefined : `${what}: ${refused.message} (${refused.error})`
}
