import type { Uuid } from '../../protocol/index.ts'
import type { LogDirectory } from './log-directory.ts'
import type { ReplicaMove } from './move-replica.ts'

/** A directory without what is in it. */
export interface DirectoryFacts {
  readonly path: string
  /** The zero id while the directory is offline and its id was never read. */
  readonly directoryId: Uuid
  readonly error: 'NONE' | 'KAFKA_STORAGE_ERROR'
  readonly message: string | null
  /** -1 when not known. */
  readonly totalBytes: number
  readonly usableBytes: number
  readonly isCordoned: boolean
  /** Its disk has so little room left that no new records are taken. */
  readonly isFull: boolean
}

/** As DescribeLogDirs shows it. */
export interface DescribedDirectory extends DirectoryFacts {
  readonly logs: readonly DescribedLog[]
}

export interface DescribedLog {
  readonly topic: string
  readonly partition: number
  readonly sizeInBytes: number
  /** Of a live replica: log end minus high watermark; of a future one: how far it is behind the live one. */
  readonly offsetLag: number
  readonly isFuture: boolean
}

export function directoryFacts(
  directory: Pick<LogDirectory, 'path' | 'id' | 'error'>,
  facts: {
    readonly space:
      | { readonly totalBytes: number; readonly usableBytes: number; readonly isFull: boolean }
      | undefined
    readonly isCordoned: boolean
  },
): DirectoryFacts {
  const { path, id, error } = directory
  return {
    path,
    directoryId: id,
    error: error === undefined ? 'NONE' : 'KAFKA_STORAGE_ERROR',
    message: error?.message ?? null,
    totalBytes: facts.space?.totalBytes ?? -1,
    usableBytes: facts.space?.usableBytes ?? -1,
    isCordoned: facts.isCordoned,
    isFull: facts.space?.isFull ?? false,
  }
}

/** `moves`: those whose target it is. Nothing is known of the logs in a directory that failed. */
export function logsIn(directory: LogDirectory, moves: readonly ReplicaMove[]): DescribedLog[] {
  return directory.error === undefined ? [...liveLogs(directory), ...moves.flatMap(futureLog)] : []
}

function liveLogs(directory: LogDirectory): DescribedLog[] {
  return directory.replicas().flatMap(({ topic, partition, log }) =>
    log === undefined
      ? []
      : [
          {
            topic,
            partition,
            sizeInBytes: log.sizeInBytes,
            offsetLag: Math.max(0, log.logEndOffset - log.highWatermark),
            isFuture: false,
          },
        ],
  )
}

function futureLog({ future, offsetLag }: ReplicaMove): DescribedLog[] {
  const { topic, partition, log } = future
  return log === undefined
    ? []
    : [{ topic, partition, sizeInBytes: log.sizeInBytes, offsetLag, isFuture: true }]
}
