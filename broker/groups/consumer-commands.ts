// The machine of consumer groups in a shard: each of its steps as a decision, its effects as the shard's, its timers as
// events that find the group again.

import { nameOf } from '../coordinator/shard-kind.ts'
import { checkHeartbeat, type HeartbeatRequest } from './check-consumer-heartbeat.ts'
import { joinGroup, type JoinRequested } from './classic-join.ts'
import {
  type ClassicCaller,
  heartbeatToConsumerGroup,
  joinConsumerGroup,
  leaveConsumerGroup,
  type LeavingMember,
  syncConsumerGroup,
  type SyncRequested,
} from './classic-members-of-consumer-group.ts'
import { failedJoin, type JoinReply, type SyncReply } from './classic-step.ts'
import { errorCode, type ErrorName } from '../../protocol/index.ts'
import { newClassicGroup } from './classic-group.ts'
import { classicDecision } from './classic-decision.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { groupTombstones } from './consumer-group-records.ts'
import { type ClientIdentity, heartbeat, type HeartbeatResponse } from './consumer-heartbeat.ts'
import { expireMember, expireRevocation, leave } from './consumer-leave.ts'
import {
  type ConsumerContext,
  type ConsumerEffect,
  ConsumerStep,
  isRefusal,
  type MemberTimer,
  type Refusal,
} from './consumer-step.ts'
import type { GroupDecision, GroupEffect, GroupEvent, GroupState } from './group-state.ts'
import { ExpressionSearch } from './resolve-expressions.ts'
import { takeResolution } from './subscribed-expressions.ts'
import { updateTarget } from './target-assignment.ts'
import { upgradeGroup } from './upgrade-group.ts'
import { endOfClassic, startOfClassic } from './convert-classic.ts'
import type { GroupParts } from './group-settings.ts'
import { groupMetadataTombstone } from './classic-group-records.ts'

/** What the machine needs of the world around it. */
export interface ConsumerWorld {
  /** For one thing that happens now. */
  contextFor(groupId: string): ConsumerContext
  monotonicMs(): number
  /** For the classic groups that consumer groups were, or become. */
  parts(): GroupParts
}

/** How long a slice of looking for topics may take before others have their turn. */
const searchSliceMs = 5

export class ConsumerCommands {
  readonly #world: ConsumerWorld

  constructor(world: ConsumerWorld) {
    this.#world = world
  }

  /** ConsumerGroupHeartbeat. */
  heartbeat(
    state: GroupState,
    request: HeartbeatRequest,
    apiVersion: number,
    client: ClientIdentity,
  ): GroupDecision<HeartbeatResponse> {
    const context = this.#world.contextFor(request.groupId)
    const invalid = checkHeartbeat(request, apiVersion, context.settings.assignors)
    if (invalid !== undefined) return { response: refused(invalid) }
    const opened = this.#open(state, request, context)
    if (isRefusal(opened)) return { response: refused(opened) }
    const { step, before } = opened
    const response = request.memberEpoch < 0 ? leave(step, request) : heartbeat(step, request, client)
    if (isRefusal(response)) return { response: refused(response) }
    return this.#decide(step, response, before)
  }

  /** JoinGroup to a consumer group. An empty one becomes a classic group, when somebody joins anew. */
  join(group: ConsumerGroup, event: JoinRequested): GroupDecision<JoinReply> {
    if (group.members.size === 0) return this.#takeOver(group, event)
    const step = this.#step(group)
    const reply = joinConsumerGroup(step, event)
    return reply.error === 'NONE' ? this.#decide(step, reply) : { response: reply }
  }

  #takeOver(group: ConsumerGroup, event: JoinRequested): GroupDecision<JoinReply> {
    if (event.memberId !== '') return { response: failedJoin('UNKNOWN_MEMBER_ID', event.memberId) }
    const parts = this.#world.parts()
    const now = parts.now()
    const step = joinGroup(newClassicGroup(group.groupId, now.nowMs), event, now)
    return classicDecision({ ...step, records: [...groupTombstones(group), ...step.records] }, parts)
  }

  sync(group: ConsumerGroup, event: SyncRequested): GroupDecision<SyncReply> {
    const step = this.#step(group)
    const reply = syncConsumerGroup(step, event)
    return this.#decide(step, reply)
  }

  classicHeartbeat(group: ConsumerGroup, caller: ClassicCaller): GroupDecision<ErrorName> {
    const step = this.#step(group)
    const error = heartbeatToConsumerGroup(step, caller)
    return this.#decide(step, error)
  }

  classicLeave(group: ConsumerGroup, leaving: readonly LeavingMember[]): GroupDecision<readonly ErrorName[]> {
    const step = this.#step(group)
    const errors = leaveConsumerGroup(step, leaving)
    return this.#decide(step, errors)
  }

  /** After a load: everybody has a whole session to show up in. */
  loaded(group: ConsumerGroup): GroupDecision {
    const step = this.#step(group)
    const { settings } = step.context
    for (const member of group.members.values()) {
      const { memberId } = member
      step.schedule('session', memberId, member.classic?.sessionTimeoutMs ?? settings.sessionTimeoutMs)
      if (member.state === 'unrevokedPartitions')
        step.schedule('rebalance', memberId, member.rebalanceTimeoutMs, { memberEpoch: member.memberEpoch })
    }
    updateTarget(step)
    return this.#decide(step)
  }

  /** The group as a consumer group, for a request that may make it one: only a member that joins may. */
  #open(
    state: GroupState,
    { groupId, memberEpoch }: HeartbeatRequest,
    context: ConsumerContext,
  ): { step: ConsumerStep; before: readonly GroupEffect[] } | Refusal {
    const group = state.groups.get(groupId)
    if (group?.kind === 'consumer') return { step: new ConsumerStep(group, context), before: [] }
    if (memberEpoch !== 0)
      return {
        error: 'GROUP_ID_NOT_FOUND',
        message:
          group === undefined ? `Group ${groupId} not found.` : `Group ${groupId} is not a consumer group.`,
      }
    const fresh = (): ConsumerStep => new ConsumerStep(new ConsumerGroup(groupId), context)
    if (group === undefined) return { step: fresh(), before: [] }
    const before = endOfClassic(group, this.#world.parts())
    if (group.state !== 'empty') {
      const upgraded = upgradeGroup(group, context)
      return isRefusal(upgraded) ? upgraded : { step: upgraded, before }
    }
    const step = fresh()
    step.records.push(groupMetadataTombstone(groupId))
    return { step, before }
  }

  #step(group: ConsumerGroup): ConsumerStep {
    return new ConsumerStep(group, this.#world.contextFor(group.groupId))
  }

  #decide<Response = never>(
    step: ConsumerStep,
    response?: Response,
    before: readonly GroupEffect[] = [],
  ): GroupDecision<Response> {
    const { groupId } = step
    return {
      records: step.records,
      effects: [...before, ...step.effects.map(effect => this.#effect(groupId, effect))],
      volatile: () => step.takeNotes(),
      ...(response === undefined ? {} : { response }),
    }
  }

  #effect(groupId: string, effect: ConsumerEffect): GroupEffect {
    switch (effect.kind) {
      case 'schedule':
        return {
          kind: 'schedule',
          timer: timerName(effect.timer, groupId, effect.memberId),
          afterMs: effect.afterMs,
          event: this.#expiry(effect.timer, groupId, effect.memberId, effect.memberEpoch),
          ...(effect.ifAbsent === undefined ? {} : { ifAbsent: effect.ifAbsent }),
        }
      case 'cancel':
        return { kind: 'cancel', timer: timerName(effect.timer, groupId, effect.memberId) }
      case 'assignLater':
        return {
          kind: 'schedule',
          timer: nameOf('consumer-assign', groupId),
          afterMs: effect.afterMs,
          event: this.#withGroup(groupId, updateTarget),
          ifAbsent: true,
        }
      case 'resolve':
        return {
          kind: 'schedule',
          timer: nameOf('consumer-resolve', groupId),
          afterMs: 0,
          event: this.#search(groupId, effect.expressions),
        }
      case 'downgraded':
        return {
          kind: 'schedule',
          timer: nameOf('consumer-downgraded', groupId),
          afterMs: 0,
          event: state => startOfClassic(state, groupId, this.#world.parts()),
        }
    }
  }

  #expiry(timer: MemberTimer, groupId: string, memberId: string, memberEpoch = -1): GroupEvent {
    return this.#withGroup(groupId, step =>
      timer === 'rebalance' ? expireRevocation(step, memberId, memberEpoch) : expireMember(step, memberId),
    )
  }

  /** Nothing happens when the group is no consumer group any more. */
  #withGroup(groupId: string, act: (step: ConsumerStep) => void): GroupEvent {
    return state => {
      const group = state.groups.get(groupId)
      if (group?.kind !== 'consumer') return {}
      const step = this.#step(group)
      act(step)
      return this.#decide(step)
    }
  }

  /** Looks for topics in slices; every slice is an event of its own, so the search ends with the shard. */
  #search(groupId: string, expressions: readonly string[], running?: ExpressionSearch): GroupEvent {
    return state => {
      const search = running ?? new ExpressionSearch(expressions, this.#world.contextFor(groupId).topics)
      const untilMs = this.#world.monotonicMs() + searchSliceMs
      const resolution = search.advance(() => this.#world.monotonicMs() >= untilMs)
      if (resolution === undefined)
        return {
          effects: [
            {
              kind: 'schedule',
              timer: nameOf('consumer-resolve', groupId),
              afterMs: 1,
              event: this.#search(groupId, expressions, search),
            },
          ],
        }
      return this.#withGroup(groupId, step => {
        takeResolution(step, resolution)
        updateTarget(step)
      })(state)
    }
  }
}

function timerName(timer: MemberTimer, groupId: string, memberId: string): string {
  return nameOf(`consumer-${timer}`, groupId, memberId)
}

function refused({ error, message }: Refusal): HeartbeatResponse {
  return {
    throttleTimeMs: 0,
    errorCode: errorCode(error),
    errorMessage: message,
    memberId: null,
    memberEpoch: 0,
    heartbeatIntervalMs: 0,
    assignment: null,
  }
}
