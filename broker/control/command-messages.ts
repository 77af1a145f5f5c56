import type { CommandName, CommandOf, ResultOf } from '../controller/controller-commands.ts'
import * as admin from './admin-messages.ts'
import * as broker from './broker-messages.ts'
import { plainOutcome } from './outcome-fields.ts'
import { messageOf } from './proto-codec.ts'
import { oneOf, optional, type ProtoField, type ProtoType, shaped } from './proto-fields.ts'

/** How every command of the controller travels. Who asks and for how long is told beside it (control-api.ts). */

/** A command without what is told beside it. */
export type CommandBody<Name extends CommandName> = Omit<CommandOf<Name>, 'timeoutMs' | 'principal'>

interface CommandMessages<Name extends CommandName> {
  /** The method that carries it. */
  readonly method: string
  /** Its field in the method's request. */
  readonly command: ProtoField<CommandBody<Name> | null>
  /** Its field in the method's response. */
  readonly result: ProtoField<ResultOf<Name> | null>
}

/**
 * A command that clients caused and that answers a list: one of ForwardAdmin's. Numbers from 10 on; one is never given
 * to another command.
 */
function forwarded<Command, Results extends { readonly results: unknown }>(
  number: number,
  command: ProtoType<Command>,
  results: ProtoType<Results>,
): {
  readonly method: string
  readonly command: ProtoField<Command | null>
  readonly result: ProtoField<Results['results'] | null>
} {
  return {
    method: 'ForwardAdmin',
    command: oneOf('command', optional(number, command)),
    result: shaped(
      oneOf('results', optional(number, results)),
      (result: Results['results'] | null) => (result === null ? null : ({ results: result } as Results)),
      wire => wire?.results ?? null,
    ),
  }
}

/** The same for a command with one answer. */
function forwardedWhole<Command, Result>(
  number: number,
  command: ProtoType<Command>,
  result: ProtoType<Result>,
): {
  readonly method: string
  readonly command: ProtoField<Command | null>
  readonly result: ProtoField<Result | null>
} {
  return {
    method: 'ForwardAdmin',
    command: oneOf('command', optional(number, command)),
    result: oneOf('results', optional(number, result)),
  }
}

/** A command with a method of its own. */
function direct<Command, Result>(
  method: string,
  command: ProtoType<Command>,
  result: ProtoType<Result>,
): {
  readonly method: string
  readonly command: ProtoField<Command | null>
  readonly result: ProtoField<Result | null>
} {
  return { method, command: optional(2, command), result: optional(2, result) }
}

export const commandMessages: { readonly [Name in CommandName]: CommandMessages<Name> } = {
  createTopics: forwarded(10, messageOf(admin.createTopics), messageOf(admin.createTopicsResults)),
  deleteTopics: forwarded(11, messageOf(admin.deleteTopics), messageOf(admin.deleteTopicsResults)),
  createPartitions: forwarded(
    12,
    messageOf(admin.createPartitions),
    messageOf(admin.createPartitionsResults),
  ),
  alterConfigs: forwarded(13, messageOf(admin.alterConfigs), messageOf(admin.alterConfigsResults)),
  incrementalAlterConfigs: forwarded(
    14,
    messageOf(admin.incrementalAlterConfigs),
    messageOf(admin.alterConfigsResults),
  ),
  allocateProducerIds: direct(
    'AllocateProducerIds',
    messageOf(broker.allocateProducerIds),
    messageOf(broker.allocateProducerIdsResult),
  ),
  alterPartition: direct(
    'AlterPartition',
    messageOf(broker.alterPartition),
    messageOf(broker.alterPartitionResult),
  ),
  electLeaders: forwardedWhole(15, messageOf(admin.electLeaders), messageOf(admin.partitionResults)),
  assignDirectories: direct(
    'AssignDirectories',
    messageOf(broker.assignDirectories),
    messageOf(broker.assignDirectoriesResult),
  ),
  prepareToStop: direct(
    'PrepareToStop',
    messageOf(broker.prepareToStop),
    messageOf(broker.prepareToStopResult),
  ),
  canRestart: direct('CanRestart', messageOf(broker.canRestart), messageOf(broker.restartResult)),
  requestRestart: direct('RequestRestart', messageOf(broker.requestRestart), messageOf(broker.restartResult)),
  releaseRestart: direct(
    'ReleaseRestart',
    messageOf(broker.releaseRestart),
    messageOf(broker.releaseRestartResult),
  ),
  reassignPartitions: forwardedWhole(
    16,
    messageOf(admin.reassignPartitions),
    messageOf(admin.partitionResults),
  ),
  updateFeatures: forwardedWhole(17, messageOf(admin.updateFeatures), messageOf(plainOutcome)),
  unregisterBroker: forwardedWhole(18, messageOf(admin.unregisterBroker), messageOf(plainOutcome)),
}
