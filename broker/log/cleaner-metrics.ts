import { dirname } from 'node:path'
import type { Metric } from '../metrics/metrics.ts'
import type { Cleaner, CleaningReport } from './cleaner.ts'

/** What a broker exports about compaction, under the names that Kafka's own have in Prometheus. */
export function cleanerMetrics(cleaner: Cleaner): Metric[] {
  const largest = (name: string, help: string, value: (report: CleaningReport) => number): Metric =>
    gauge(`kafka_log_logcleaner_${name}`, help, () => Math.max(0, ...cleaner.reports.map(value)))
  return [
    largest(
      'cleaner_recopy_percent',
      'How much of what the last compactions read they wrote again.',
      ({ outcome }) => (100 * outcome.bytesAfter) / Math.max(1, outcome.bytesBefore),
    ),
    largest(
      'max_buffer_utilization_percent',
      'How full the map of keys was in the last compactions.',
      ({ outcome }) => 100 * outcome.mapUtilization,
    ),
    largest('max_clean_time_secs', 'How long the last compactions took.', ({ seconds }) => seconds),
    largest(
      'max_compaction_delay_secs',
      'How much later than max.compaction.lag.ms the last compactions came.',
      ({ overdueMs }) => overdueMs / 1000,
    ),
    gauge(
      'kafka_log_logcleanermanager_max_dirty_percent',
      'The largest part of a log that is not compacted.',
      () => 100 * cleaner.maxDirtyRatio,
    ),
    gauge(
      'kafka_log_logcleanermanager_time_since_last_run_ms',
      'Since the cleaner last looked for something to do.',
      () => cleaner.idleMs,
    ),
    perDirectory(
      'kafka_log_logcleanermanager_uncleanable_partitions_count',
      'Logs that could not be compacted and are left as they are.',
      cleaner,
      () => 1,
    ),
    perDirectory(
      'kafka_log_logcleanermanager_uncleanable_bytes',
      'Bytes that wait in logs that could not be compacted.',
      cleaner,
      dirtyBytes => dirtyBytes,
    ),
  ]
}

function gauge(name: string, help: string, value: () => number): Metric {
  return { name, help, type: 'gauge', collect: emit => emit(value()) }
}

function perDirectory(
  name: string,
  help: string,
  cleaner: Cleaner,
  value: (dirtyBytes: number) => number,
): Metric {
  return {
    name,
    help,
    type: 'gauge',
    collect(emit) {
      const sums = new Map<string, number>()
      for (const { log, dirtyBytes } of cleaner.uncleanable()) {
        const directory = dirname(log.directory)
        sums.set(directory, (sums.get(directory) ?? 0) + (dirtyBytes === undefined ? 0 : value(dirtyBytes)))
      }
      for (const [logDirectory, sum] of sums) emit(sum, { logDirectory })
    },
  }
}
