import type { Shard } from '../coordinator/shard.ts'
import type { Emit, Metric } from '../metrics/metrics.ts'
import type { GroupRecord } from './group-records.ts'
import { rulesOf } from './group-rules.ts'
import type { GroupState } from './group-state.ts'
import type { Lag } from './lag-elsewhere.ts'

/**
 * What a coordinator exports about its groups, under the names that dashboards know. Series stop at a bound, so that a
 * scrape stays small however many groups there are; the totals count all of them.
 */
export function groupMetrics(parts: GroupMetricsParts): Metric[] {
  return [
    gauge('kafka_consumergroup_members', 'Members of a group.', emit => {
      let series = 0
      for (const [consumergroup, group] of groupsOf(parts)) {
        if (series++ >= mostGroupSeries) return
        emit(rulesOf(group).memberCount(group), { consumergroup })
      }
    }),
    gauge('kafka_consumergroup_current_offset', 'Position that a group has committed.', emit => {
      for (const { labels, offset } of positionsOf(parts)) emit(offset, labels)
    }),
    gauge(
      'kafka_consumergroup_lag',
      'Records between the position of a group and the high watermark; where another broker leads, as of its last answer.',
      emit => {
        for (const position of positionsOf(parts)) {
          const lag = lagOf(position, parts)
          if (lag !== undefined) emit(lag.records, position.labels)
        }
      },
    ),
    gauge(
      'kafka_consumergroup_lag_seconds',
      'Age of the record at the position of a group, 0 at the end; where another broker leads, as of its last answer.',
      emit => {
        for (const position of positionsOf(parts)) {
          const seconds = lagOf(position, parts)?.seconds
          if (seconds !== undefined) emit(seconds, position.labels)
        }
      },
    ),
    gauge(
      'kafka_coordinator_group_groupmetadatamanager_numoffsets',
      'Positions kept by this coordinator.',
      emit => {
        let count = 0
        for (const { state } of parts.shards()) count += state?.offsets.size ?? 0
        emit(count)
      },
    ),
    gauge('kafka_coordinator_group_groupmetadatamanager_numgroups', 'Groups of this coordinator.', emit => {
      let count = 0
      for (const { state } of parts.shards()) count += state?.groups.size ?? 0
      emit(count)
    }),
    gauge('barnabas_groups', 'Groups of this coordinator by type and state.', emit => {
      const counts = new Map<string, { readonly type: string; readonly state: string; count: number }>()
      for (const [, group] of groupsOf(parts)) {
        const { type } = rulesOf(group)
        const state = rulesOf(group).stateName(group)
        const known = counts.get(`${type} ${state}`)
        if (known === undefined) counts.set(`${type} ${state}`, { type, state, count: 1 })
        else known.count++
      }
      for (const { type, state, count } of counts.values()) emit(count, { type, state })
    }),
    gauge(
      'barnabas_coordinator_shards',
      'Partitions of __consumer_offsets coordinated here, by status.',
      emit => {
        const counts = new Map<string, number>([
          ['active', 0],
          ['loading', 0],
          ['failed', 0],
        ])
        for (const { status } of parts.shards()) counts.set(status, (counts.get(status) ?? 0) + 1)
        for (const [status, count] of counts) emit(count, { status })
      },
    ),
  ]
}

function lagOf({ labels, offset }: Position, parts: GroupMetricsParts): Lag | undefined {
  const { consumergroup, topic, partition } = labels
  const end = parts.highWatermark(topic, partition)
  if (end === undefined) return parts.lagElsewhere(consumergroup, topic, partition)
  if (offset >= end) return { records: 0, seconds: 0 }
  const timeMs = parts.timeOfRecord(topic, partition, offset)
  const seconds = timeMs === undefined ? undefined : Math.max(0, parts.nowMs() - timeMs) / 1000
  return { records: end - offset, seconds }
}

export interface GroupMetricsParts {
  readonly shards: () => Iterable<Shard<GroupState, GroupRecord>>
  /** Undefined for a partition that this broker does not lead. */
  readonly highWatermark: (topic: string, partition: number) => number | undefined
  /** Wall clock, when it was written; undefined when that is not known, or not yet. */
  readonly timeOfRecord: (topic: string, partition: number, offset: number) => number | undefined
  /** For such a partition, as far as its leader has told. */
  readonly lagElsewhere: (group: string, topic: string, partition: number) => Lag | undefined
  /** Wall clock. */
  readonly nowMs: () => number
}

const mostGroupSeries = 5000
const mostPositionSeries = 5000
/** Names are as long as clients like; nobody looks at a dashboard for the longest of them. */
const mostNameLength = 249

function gauge(name: string, help: string, collect: (emit: Emit) => void): Metric {
  return { name, help, type: 'gauge', collect }
}

function* groupsOf({ shards }: GroupMetricsParts) {
  for (const { state } of shards()) {
    if (state === undefined) continue
    for (const entry of state.groups.committedEntries()) if (entry[0].length <= mostNameLength) yield entry
  }
}

interface Position {
  readonly labels: { readonly consumergroup: string; readonly topic: string; readonly partition: number }
  readonly offset: number
}

/** Those that metrics tell of, at most 5,000. */
export function* positionsOf({ shards }: Pick<GroupMetricsParts, 'shards'>): Iterable<Position> {
  let series = 0
  for (const { state } of shards()) {
    if (state === undefined) continue
    for (const consumergroup of state.offsets.groups()) {
      if (consumergroup.length > mostNameLength) continue
      for (const [topic, offsets] of state.offsets.committedOf(consumergroup)) {
        for (const [partition, { offset }] of offsets) {
          if (series++ >= mostPositionSeries) return
          yield { labels: { consumergroup, topic, partition }, offset }
        }
      }
    }
  }
}
