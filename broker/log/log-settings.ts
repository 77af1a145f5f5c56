/** The settings of a topic that its logs follow, by Kafka's names. -1 stands for no limit where Kafka says so. */
export interface LogSettings {
  readonly 'segment.bytes': number
  readonly 'segment.ms': number
  readonly 'segment.jitter.ms': number
  readonly 'segment.index.bytes': number
  readonly 'index.interval.bytes': number
  readonly 'flush.messages': number
  readonly 'flush.ms': number
  readonly 'retention.bytes': number
  readonly 'retention.ms': number
  readonly 'max.message.bytes': number
  readonly 'max.compaction.lag.ms': number
  readonly 'file.delete.delay.ms': number
  readonly 'cleanup.policy': readonly string[]
  readonly 'compression.type': string
  readonly 'compression.gzip.level': number
  readonly 'compression.zstd.level': number
  readonly 'message.timestamp.type': string
  readonly 'message.timestamp.before.max.ms': number
  readonly 'message.timestamp.after.max.ms': number
}

export function isCompacted(settings: LogSettings): boolean {
  return settings['cleanup.policy'].includes('compact')
}

/** Segments of a compacted topic also have to become closed in time for max.compaction.lag.ms. */
export function segmentMs(settings: LogSettings): number {
  return isCompacted(settings)
    ? Math.min(settings['segment.ms'], settings['max.compaction.lag.ms'])
    : settings['segment.ms']
}
