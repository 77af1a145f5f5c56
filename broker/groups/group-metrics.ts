import type { Shard } from '../coordinator/shard.ts'
import type { Emit, Metric } from '../metrics/metrics.ts'
import type { GroupRecord } from './group-records.ts'
import { rulesOf } from './group-rules.ts'
import type { GroupState } from './group-state.ts'

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
      'Records between the position of a group and the high watermark; for partitions that this broker leads.',
      emit => {
        for (const { labels, offset } of positionsOf(parts)) {
          const end = parts.highWatermark(labels.topic, labels.partition)
          if (end !== undefined) emit(Math.max(0, end - offset), labels)
        }
      },
    ),
    gauge(
      'kafka_consumergroup_lag_seconds',
      'Age of the record at the position of a group, 0 at the end; for partitions that this broker leads.',
      emit => {
        const nowMs = parts.nowMs()
        for (const { labels, offset } of positionsOf(parts)) {
          const end = parts.highWatermark(labels.topic, labels.partition)
          if (end === undefined) continue
          if (offset >= end) emit(0, labels)
          else {
            const timeMs = parts.timeOfRecord(labels.topic, labels.partition, offset)
            if (timeMs !== undefined) emit(Math.max(0, nowMs - timeMs) / 1000, labels)
          }
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

export interface GroupMetricsParts {
  readonly shards: () => Iterable<Shard<GroupState, GroupRecord>>
  /** Undefined for a partition that this broker does not lead. */
  readonly highWatermark: (topic: string, partition: number) => number | undefined
  /** Wall clock, when it was written; undefined when that is not known, or not yet. */
  readonly timeOfRecord: (topic: string, partition: number, offset: number) => number | undefined
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

function* positionsOf({ shards }: GroupMetricsParts): Iterable<Position> {
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
