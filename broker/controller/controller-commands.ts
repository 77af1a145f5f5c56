import type { ErrorName, Uuid } from '../../protocol/index.ts'
import { type ConfigResource, configResourceKey, type MetadataImage } from '../metadata/image.ts'
import { distinctResources, refuseConfigs } from './alter-configs.ts'
import type { AlterConfigsResult, ControllerClient } from './controller-client.ts'
import { topicsByName } from './create-partitions.ts'
import { newTopicsByName, refusedTopic } from './create-topics.ts'
import { refuse as refuseDeletion } from './delete-topics.ts'
import { refuseRestart } from './restart-grants.ts'

export type CommandName = keyof ControllerClient
export type CommandOf<Name extends CommandName> = Parameters<ControllerClient[Name]>[0]
export type ResultOf<Name extends CommandName> = Awaited<ReturnType<ControllerClient[Name]>>

interface CommandRules<Command, Result> {
  /** The answer when the command could not be carried out by anybody: each item with this error. */
  refuse(command: Command, error: ErrorName, message: string): Result
  /**
   * Whether the command may be sent again when it is not known if it was carried out: the second time then changes
   * nothing, whatever others did in between.
   */
  readonly isRepeatable: boolean
  /**
   * Whether nothing of what the command is about differs between the two images. Once the controller that was asked is
   * one no more, and nothing differs, it has done nothing and never will. Without it that cannot be told.
   */
  readonly isUntouched?: (before: MetadataImage, now: MetadataImage, command: Command) => boolean
}

/** Every command of the controller, with what there is to know of it besides how it is carried out. */
export const controllerCommands: {
  readonly [Name in CommandName]: CommandRules<CommandOf<Name>, ResultOf<Name>>
} = {
  createTopics: {
    refuse: ({ topics }, error, message) =>
      newTopicsByName(topics).topics.map(({ name }) => refusedTopic(name, error, message)),
    isRepeatable: false,
    isUntouched: (before, now, { topics }) =>
      topics.every(({ name }) => before.topicsByName.get(name)?.id === now.topicsByName.get(name)?.id),
  },
  deleteTopics: {
    refuse: ({ topics }, error, message) => topics.map(topic => refuseDeletion(topic, error, message)),
    isRepeatable: false,
    isUntouched: (before, now, { topics }) => {
      const idIn = (image: MetadataImage, { name, topicId }: (typeof topics)[number]): Uuid | undefined =>
        name === null ? image.topicsById.get(topicId ?? '')?.id : image.topicsByName.get(name)?.id
      return topics.every(topic => idIn(before, topic) === idIn(now, topic))
    },
  },
  createPartitions: {
    refuse: ({ topics }, error, message) =>
      topicsByName(topics).topics.map(({ name }) => ({ name, error, message })),
    isRepeatable: false,
    isUntouched: (before, now, { topics }) =>
      topics.every(({ name }) => {
        const [then, today] = [before.topicsByName.get(name), now.topicsByName.get(name)]
        return then?.id === today?.id && then?.partitions.length === today?.partitions.length
      }),
  },
  alterConfigs: {
    refuse: ({ resources }, error, message) => refuseResources(resources, error, message),
    isRepeatable: false,
    isUntouched: haveSameConfigs,
  },
  incrementalAlterConfigs: {
    refuse: ({ resources }, error, message) => refuseResources(resources, error, message),
    isRepeatable: false,
    isUntouched: haveSameConfigs,
  },
  // A block that nobody heard of is lost, which harms nobody.
  allocateProducerIds: {
    refuse: (_, error, message) => ({ error, message, firstProducerId: -1, count: 0 }),
    isRepeatable: true,
  },
  // Guarded by the partitions' epochs.
  alterPartition: {
    refuse: (_, error, message) => ({ error, message, partitions: [] }),
    isRepeatable: true,
  },
  electLeaders: {
    refuse: (_, error, message) => ({ error, message, partitions: [] }),
    isRepeatable: false,
  },
  reassignPartitions: {
    refuse: (_, error, message) => ({ error, message, partitions: [] }),
    isRepeatable: false,
  },
  updateFeatures: { refuse: (_, error, message) => ({ error, message }), isRepeatable: false },
  unregisterBroker: { refuse: (_, error, message) => ({ error, message }), isRepeatable: false },
  assignDirectories: {
    refuse: (_, error, message) => ({ error, message, results: [] }),
    isRepeatable: true,
  },
  // Guarded by the broker's epoch.
  prepareToStop: {
    refuse: (_, error, message) => ({ error, message, revision: 0, remaining: 0 }),
    isRepeatable: true,
  },
  canRestart: {
    refuse: (_, error, message) => refuseRestart(error, message),
    isRepeatable: true,
  },
  // Whoever asks twice gets the same grant.
  requestRestart: {
    refuse: (_, error, message) => refuseRestart(error, message),
    isRepeatable: true,
  },
  releaseRestart: {
    refuse: (_, error, message) => ({ error, message }),
    isRepeatable: false,
  },
}

export const commandNames = Object.keys(controllerCommands) as readonly CommandName[]

/** Carries out, or passes on, any command. */
export type RunCommand = <Name extends CommandName>(
  name: Name,
  command: CommandOf<Name>,
) => Promise<ResultOf<Name>>

/** A client whose every method is that one function. */
export function controllerClient(run: RunCommand): ControllerClient {
  const methods = commandNames.map(name => [name, (command: CommandOf<typeof name>) => run(name, command)])
  return Object.fromEntries(methods) as ControllerClient
}

/** The table and the client's interface agree for each name; over all names at once the compiler cannot see it. */
export function refuseCommand<Name extends CommandName>(
  name: Name,
  command: CommandOf<Name>,
  error: ErrorName,
  message: string,
): ResultOf<Name> {
  const rules: CommandRules<CommandOf<Name>, ResultOf<Name>> = controllerCommands[name]
  return rules.refuse(command, error, message)
}

export function runCommand<Name extends CommandName>(
  client: ControllerClient,
  name: Name,
  command: CommandOf<Name>,
): Promise<ResultOf<Name>> {
  const method = client[name] as (this: ControllerClient, command: CommandOf<Name>) => Promise<ResultOf<Name>>
  return method.call(client, command)
}

/** False where the command does not say how that is seen. */
export function isUntouched<Name extends CommandName>(
  name: Name,
  before: MetadataImage,
  now: MetadataImage,
  command: CommandOf<Name>,
): boolean {
  const rules: CommandRules<CommandOf<Name>, ResultOf<Name>> = controllerCommands[name]
  return rules.isUntouched?.(before, now, command) ?? false
}

function haveSameConfigs(
  before: MetadataImage,
  now: MetadataImage,
  { resources }: { readonly resources: readonly ConfigResource[] },
): boolean {
  return resources.every(({ type, name }) => {
    const key = configResourceKey(type, name)
    return before.configRevisions.get(key) === now.configRevisions.get(key)
  })
}

function refuseResources(
  resources: readonly ConfigResource[],
  error: ErrorName,
  message: string,
): AlterConfigsResult[] {
  return distinctResources(resources).resources.map(
    resource => refuseConfigs(resource, error, message).result,
  )
}
