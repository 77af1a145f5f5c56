import type { ErrorName } from '../../protocol/index.ts'
import { distinctResources, refuseConfigs } from './alter-configs.ts'
import type {
  AllocateProducerIds,
  AllocateProducerIdsResult,
  AlterConfigs,
  AlterConfigsResult,
  AlterPartition,
  AlterPartitionResult,
  ControllerClient,
  CreatePartitions,
  CreatePartitionsResult,
  CreateTopicResult,
  CreateTopics,
  DeleteTopicResult,
  DeleteTopics,
  PartitionResults,
  ElectLeaders,
  IncrementalAlterConfigs,
  Outcome,
  PrepareToStop,
  PrepareToStopResult,
  ReassignPartitions,
  UnregisterBroker,
  UpdateFeatures,
} from './controller-client.ts'
import { topicsByName } from './create-partitions.ts'
import { newTopicsByName, refusedTopic } from './create-topics.ts'
import { refuse as refuseDeletion } from './delete-topics.ts'

const error: ErrorName = 'NOT_CONTROLLER'
const message = 'This broker is not the active controller.'

/** Asks the controller in this process while there is one; else every item answers NOT_CONTROLLER. */
export class LocalController implements ControllerClient {
  readonly #active: () => ControllerClient | undefined

  constructor(active: () => ControllerClient | undefined) {
    this.#active = active
  }

  async createTopics(command: CreateTopics): Promise<readonly CreateTopicResult[]> {
    const active = this.#active()
    if (active !== undefined) return active.createTopics(command)
    return newTopicsByName(command.topics).topics.map(({ name }) => refusedTopic(name, error, message))
  }

  async deleteTopics(command: DeleteTopics): Promise<readonly DeleteTopicResult[]> {
    return (
      this.#active()?.deleteTopics(command) ??
      command.topics.map(topic => refuseDeletion(topic, error, message))
    )
  }

  async createPartitions(command: CreatePartitions): Promise<readonly CreatePartitionsResult[]> {
    const active = this.#active()
    if (active !== undefined) return active.createPartitions(command)
    return topicsByName(command.topics).topics.map(({ name }) => ({ name, error, message }))
  }

  async alterConfigs(command: AlterConfigs): Promise<readonly AlterConfigsResult[]> {
    return this.#active()?.alterConfigs(command) ?? refuseResources(command)
  }

  async incrementalAlterConfigs(command: IncrementalAlterConfigs): Promise<readonly AlterConfigsResult[]> {
    return this.#active()?.incrementalAlterConfigs(command) ?? refuseResources(command)
  }

  async allocateProducerIds(command: AllocateProducerIds): Promise<AllocateProducerIdsResult> {
    return this.#active()?.allocateProducerIds(command) ?? { error, message, firstProducerId: -1, count: 0 }
  }

  async alterPartition(command: AlterPartition): Promise<AlterPartitionResult> {
    return this.#active()?.alterPartition(command) ?? { error, message, partitions: [] }
  }

  async electLeaders(command: ElectLeaders): Promise<PartitionResults> {
    return this.#active()?.electLeaders(command) ?? { error, message, partitions: [] }
  }

  async reassignPartitions(command: ReassignPartitions): Promise<PartitionResults> {
    return this.#active()?.reassignPartitions(command) ?? { error, message, partitions: [] }
  }

  async updateFeatures(command: UpdateFeatures): Promise<Outcome> {
    return this.#active()?.updateFeatures(command) ?? { error, message }
  }

  async unregisterBroker(command: UnregisterBroker): Promise<Outcome> {
    return this.#active()?.unregisterBroker(command) ?? { error, message }
  }

  async prepareToStop(command: PrepareToStop): Promise<PrepareToStopResult> {
    return this.#active()?.prepareToStop(command) ?? { error, message, revision: 0, remaining: 0 }
  }
}

function refuseResources({ resources }: AlterConfigs | IncrementalAlterConfigs): AlterConfigsResult[] {
  const distinct = distinctResources<{ type: (typeof resources)[number]['type']; name: string }>(resources)
  return distinct.resources.map(resource => refuseConfigs(resource, error, message).result)
}
