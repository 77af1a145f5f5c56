import type { Decision, Effect, Event } from '../coordinator/shard-kind.ts'
import type { Timeline, TimelineMap } from '../coordinator/timeline.ts'
import { CommittedOffsets } from './committed-offsets.ts'
import type { Group } from './group.ts'
import type { GroupRecord } from './group-records.ts'

/** What one partition of __consumer_offsets is replayed into. */
export class GroupState {
  /** Every group, those without members and those made by nothing but a commit included. */
  readonly groups: TimelineMap<string, Group>
  readonly offsets: CommittedOffsets

  constructor(timeline: Timeline) {
    this.groups = timeline.map()
    this.offsets = new CommittedOffsets(timeline)
  }
}

export type GroupDecision<Response = never> = Decision<GroupState, GroupRecord, Response>

export type GroupEffect = Effect<GroupState, GroupRecord>

export type GroupEvent = Event<GroupState, GroupRecord>
