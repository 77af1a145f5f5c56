import { type FetchPlan, type FetchSessionRequest, FetchSessions } from '../../broker/api/fetch-sessions.ts'
import { zeroUuid } from '../../protocol/index.ts'
import { seededRandom } from '../../runtime/random.ts'
import { FakeClock } from './fake-clock.ts'

export function started(slots = 10) {
  const clock = new FakeClock()
  const sessions = new FetchSessions(slots, clock, seededRandom(1))
  return { clock, sessions }
}

export function request(
  changes: Partial<FetchSessionRequest> & { partitions?: readonly number[] } = {},
): FetchSessionRequest {
  const { partitions = [0, 1], ...rest } = changes
  return {
    sessionId: 0,
    sessionEpoch: 0,
    usesTopicIds: false,
    isFollower: false,
    readUpTo: 'highWatermark',
    forgotten: [],
    topics:
      partitions.length === 0 ? [] : [{ topic: 't', topicId: zeroUuid, partitions: partitions.map(asked) }],
    ...rest,
  }
}

export function asked(partition: number, fetchOffset = 0) {
  return {
    partition,
    currentLeaderEpoch: -1,
    fetchOffset,
    lastFetchedEpoch: -1,
    logStartOffset: -1,
    partitionMaxBytes: 1000,
  }
}

export function opened(sessions: FetchSessions, changes: Parameters<typeof request>[0] = {}): FetchPlan {
  const plan = sessions.open(request(changes))
  if ('error' in plan) throw new Error(plan.error)
  return plan
}

export function read(plan: FetchPlan, facts: Partial<Parameters<FetchPlan['finish']>[0][number]> = {}) {
  return [...plan.partitions()].map(partition => ({
    partition,
    replica: undefined,
    isUnfinished: false,
    error: 'NONE' as const,
    highWatermark: 5,
    logStartOffset: 0,
    recordsLength: 0,
    diverges: false,
    preferredReadReplica: -1,
    ...facts,
  }))
}
