import type { ErrorName, Uuid } from '../../protocol/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import type { Shards } from '../coordinator/shards.ts'
import { classicDecision } from './classic-decision.ts'
import { type ClassicGroup, newClassicGroup } from './classic-group.ts'
import { joinGroup, type JoinRequested } from './classic-join.ts'
import { heartbeat, type HeartbeatReceived, leaveGroup, type Leaving } from './classic-members.ts'
import { failedJoin, failedSync, type JoinReply, type Step, type SyncReply } from './classic-step.ts'
import { syncGroup, type SyncRequested } from './classic-sync.ts'
import { commitOffsets, type CommitReply, type OffsetsCommitted } from './commit-offsets.ts'
import {
  type DescribedGroup,
  describeClassicGroup,
  type GroupFilter,
  listGroups,
  type ListedGroup,
  undescribed,
} from './describe-groups.ts'
import { fetchOffsets, type OffsetsAsked, type OffsetsFound } from './fetch-offsets.ts'
import type { Group } from './group.ts'
import type { GroupRecord } from './group-records.ts'
import { rulesOf } from './group-rules.ts'
import type { GroupParts, GroupSettings, Now } from './group-settings.ts'
import type { GroupDecision, GroupState } from './group-state.ts'
import { hasMemoryFor } from './join-memory.ts'
import { deleteGroup, deleteOffsets, type OffsetsToDelete, removeOffsetsOfTopics } from './remove-offsets.ts'

/**
 * The group coordinator as handlers see it: one method for each API. It finds the shard of the group, lets it decide, and
 * answers, at once or later, exactly once.
 */
export class Groups {
  readonly #options: GroupsOptions
  readonly #parts: GroupParts

  constructor(options: GroupsOptions) {
    this.#options = options
    this.#parts = options.parts
  }

  joinGroup(
    groupId: string,
    event: Omit<JoinRequested, 'newIdSuffix'>,
    answer: (reply: JoinReply) => void,
  ): void {
    const { memberId } = event
    const error = this.#refusalOfJoin(groupId, event)
    if (error !== 'NONE') return answer(failedJoin(error, memberId))
    const joining = { ...event, newIdSuffix: this.#newIdSuffix() }
    this.#run(groupId, {
      decide: state => {
        const now = this.#parts.now()
        const group =
          state.groups.get(groupId) ?? (memberId === '' ? newClassicGroup(groupId, now.nowMs) : undefined)
        if (group === undefined) return { response: failedJoin('UNKNOWN_MEMBER_ID', memberId) }
        const classic = group.kind === 'classic' ? group : undefined
        if (!hasMemoryFor(classic, joining, () => this.#all()))
          return { response: failedJoin('GROUP_MAX_SIZE_REACHED', memberId) }
        if (group.kind === 'consumer') {
          return group.members.size > 0
            ? this.#parts.consumers.join(group, joining)
            : this.#takeOver(group, joining, now)
        }
        return this.#decide(joinGroup(group, joining, now))
      },
      answer,
      failed: reason => failedJoin(reason, memberId),
    })
  }

  syncGroup(groupId: string, event: SyncRequested, answer: (reply: SyncReply) => void): void {
    if (groupId === '') return answer(failedSync('INVALID_GROUP_ID'))
    this.#run(groupId, {
      decide: state => {
        const group = state.groups.get(groupId)
        if (group?.kind === 'consumer') return this.#parts.consumers.sync(group, event)
        return this.#onClassic(state, groupId, failedSync('UNKNOWN_MEMBER_ID'), (classic, now) =>
          syncGroup(classic, event, now),
        )
      },
      answer,
      failed: failedSync,
    })
  }

  heartbeat(groupId: string, event: HeartbeatReceived, answer: (error: ErrorName) => void): void {
    if (groupId === '') return answer('INVALID_GROUP_ID')
    this.#run(groupId, {
      decide: state => {
        const group = state.groups.get(groupId)
        if (group?.kind === 'consumer') return this.#parts.consumers.classicHeartbeat(group, event)
        return this.#onClassic<ErrorName>(state, groupId, 'UNKNOWN_MEMBER_ID', classic =>
          heartbeat(classic, event),
        )
      },
      answer,
      // A member must not give up because its coordinator is still reading.
      failed: error => (error === 'COORDINATOR_LOAD_IN_PROGRESS' ? 'NONE' : error),
    })
  }

  /** One outcome for each member, in order; or the one error of the request. */
  leaveGroup(
    groupId: string,
    members: readonly Leaving[],
    answer: (reply: { readonly error: ErrorName } | { readonly errors: readonly ErrorName[] }) => void,
  ): void {
    if (groupId === '') return answer({ error: 'INVALID_GROUP_ID' })
    this.#run<readonly ErrorName[] | { readonly error: ErrorName }>(groupId, {
      decide: state => {
        const group = state.groups.get(groupId)
        if (group?.kind === 'consumer') return this.#parts.consumers.classicLeave(group, members)
        return this.#onClassic<readonly ErrorName[]>(
          state,
          groupId,
          members.map(() => 'UNKNOWN_MEMBER_ID'),
          (classic, now) => leaveGroup(classic, members, now),
        )
      },
      answer: reply => answer('error' in reply ? reply : { errors: reply }),
      failed: error => ({ error }),
    })
  }

  commitOffsets(event: OffsetsCommitted, answer: (reply: CommitReply) => void): void {
    if (!fitsRecord(event.groupId)) return answer({ error: 'INVALID_GROUP_ID' })
    this.#run(event.groupId, {
      decide: state => commitOffsets(state, event, this.#parts),
      answer,
      failed: error => ({ error }),
    })
  }

  /** Answers at once, with what is replicated. */
  fetchOffsets(asked: OffsetsAsked): OffsetsFound {
    const state = this.#stateOf(asked.groupId)
    if (typeof state !== 'string') return fetchOffsets(state, asked)
    // Consumers before 3.9 do not know what to do with the former.
    return { error: state === 'COORDINATOR_NOT_AVAILABLE' ? 'NOT_COORDINATOR' : state, topics: [] }
  }

  deleteOffsets(
    event: OffsetsToDelete,
    answer: (reply: { readonly error: ErrorName } | { readonly errors: readonly ErrorName[] }) => void,
  ): void {
    if (event.groupId === '') return answer({ error: 'INVALID_GROUP_ID' })
    this.#run(event.groupId, {
      decide: state => deleteOffsets(state, event),
      answer,
      failed: error => ({ error }),
    })
  }

  deleteGroup(groupId: string, answer: (error: ErrorName) => void): void {
    this.#run<ErrorName>(groupId, {
      decide: state => deleteGroup(state, groupId),
      answer,
      failed: error => error,
    })
  }

  describeGroup(groupId: string): DescribedGroup {
    const state = this.#stateOf(groupId)
    return typeof state === 'string'
      ? undescribed(groupId, state, null)
      : describeClassicGroup(state, groupId)
  }

  /** Groups coordinated here. The error says that some are not known yet. */
  listGroups(filter: GroupFilter): { readonly error: ErrorName; readonly groups: readonly ListedGroup[] } {
    const groups: ListedGroup[] = []
    for (const shard of this.#options.shards.all()) {
      if (shard.state === undefined) {
        if (shard.status === 'loading') return { error: 'COORDINATOR_LOAD_IN_PROGRESS', groups: [] }
        continue
      }
      groups.push(...listGroups(shard.state, filter))
    }
    return { error: 'NONE', groups }
  }

  /** Topics were deleted: what groups have committed for them goes too. */
  topicsDeleted(topics: readonly { readonly name: string; readonly id: Uuid }[]): void {
    if (topics.length === 0) return
    for (const shard of this.#options.shards.all()) shard.react(state => removeOffsetsOfTopics(state, topics))
  }

  #refusalOfJoin(groupId: string, event: Omit<JoinRequested, 'newIdSuffix'>): ErrorName {
    if (groupId === '' || !fitsRecord(groupId)) return 'INVALID_GROUP_ID'
    const { settings } = this.#parts.now()
    const { sessionTimeoutMs, instanceId, protocolType, protocols } = event
    const least = settings['group.min.session.timeout.ms']
    const most = settings['group.max.session.timeout.ms']
    if (sessionTimeoutMs < least || sessionTimeoutMs > most) return 'INVALID_SESSION_TIMEOUT'
    for (const name of protocols.keys()) if (!fitsRecord(name)) return 'INVALID_REQUEST'
    return fitsRecord(protocolType) && fitsRecord(instanceId ?? '') ? 'NONE' : 'INVALID_REQUEST'
  }

  /** A classic member joins a group of another kind that nobody is in: what was remembered of it goes, its positions stay. */
  #takeOver(before: Group, joining: JoinRequested, now: Now): GroupDecision<JoinReply> {
    if (joining.memberId !== '') return { response: failedJoin('UNKNOWN_MEMBER_ID', joining.memberId) }
    const step = joinGroup(newClassicGroup(before.groupId, now.nowMs), joining, now)
    const error = step.reply?.error ?? 'NONE'
    const decision = this.#decide(step)
    if (error !== 'NONE' && error !== 'MEMBER_ID_REQUIRED') return decision
    return { ...decision, records: [...rulesOf(before).tombstones(before), ...step.records] }
  }

  *#all(): Generator<Group, void, undefined> {
    for (const { state } of this.#options.shards.all()) if (state !== undefined) yield* state.groups.values()
  }

  #onClassic<Reply>(
    state: GroupState,
    groupId: string,
    unknown: Reply,
    decide: (group: ClassicGroup, now: Now) => Step<Reply>,
  ): GroupDecision<Reply> {
    const group = state.groups.get(groupId)
    return group?.kind === 'classic' ? this.#decide(decide(group, this.#parts.now())) : { response: unknown }
  }

  #decide<Reply>(step: Step<Reply>): GroupDecision<Reply> {
    return classicDecision(step, this.#parts)
  }

  #run<Reply>(
    groupId: string,
    command: {
      readonly decide: (state: GroupState) => GroupDecision<Reply>
      readonly answer: (reply: Reply) => void
      readonly failed: (error: ErrorName) => Reply
    },
  ): void {
    const { decide, answer, failed } = command
    const shard = this.#options.shards.forKey(groupId)
    if (typeof shard === 'string') answer(failed(shard))
    else shard.run({ decide, answer, fail: error => answer(failed(error)) })
  }

  #stateOf(groupId: string): GroupState | ErrorName {
    const shard = this.#options.shards.forKey(groupId)
    if (typeof shard === 'string') return shard
    return shard.state ?? shard.refusal ?? 'NOT_COORDINATOR'
  }

  #newIdSuffix(): string {
    const bytes = this.#options.random.bytes(16)
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }
}

/** Names travel in any length, but records have room for 32,767 bytes; a member's id adds its own part to a name. */
function fitsRecord(name: string): boolean {
  return name.length <= 10_000 || Buffer.byteLength(name) <= mostNameBytes
}

const mostNameBytes = 32_000

export interface GroupsOptions {
  readonly shards: Pick<Shards<GroupState, GroupRecord>, 'forKey' | 'all'>
  readonly parts: GroupParts
  readonly random: Random
}

/** Time and settings as they are when somebody asks. */
export function groupParts(
  clock: Clock,
  settings: () => GroupSettings,
  consumers: GroupParts['consumers'],
): GroupParts {
  return { now: () => ({ nowMs: clock.nowMs(), settings: settings() }), consumers }
}
