import { describeLogDirs, errorCode } from '../../protocol/index.ts'
import type { DescribedDirectory } from '../log/describe-directory.ts'
import type { LogDirectories } from '../log/log-directories.ts'
import { type ApiHandler, handler } from './handler.ts'

/** DescribeLogDirs: the directories of this broker and the replicas in them; all of them, or those asked for. */
export function describeLogDirsHandler(parts: { readonly logs: LogDirectories }): ApiHandler {
  return handler(describeLogDirs, {}, request => {
    const wanted =
      request.topics === null
        ? undefined
        : new Map(request.topics.map(({ topic, partitions }) => [topic, new Set(partitions)]))
    return {
      throttleTimeMs: 0,
      errorCode: 0,
      results: parts.logs.describe().map(directory => ({
        errorCode: errorCode(directory.error),
        logDir: directory.path,
        topics: topicsIn(directory, wanted),
        totalBytes: directory.totalBytes,
        usableBytes: directory.usableBytes,
        isCordoned: directory.isCordoned,
      })),
    }
  })
}

function topicsIn(
  directory: DescribedDirectory,
  wanted: ReadonlyMap<string, ReadonlySet<number>> | undefined,
) {
  const topics = new Map<string, ReturnType<typeof partitionIn>[]>()
  for (const log of directory.logs) {
    if (wanted !== undefined && wanted.get(log.topic)?.has(log.partition) !== true) continue
    const partitions = topics.get(log.topic)
    if (partitions === undefined) topics.set(log.topic, [partitionIn(log)])
    else partitions.push(partitionIn(log))
  }
  return Array.from(topics, ([name, partitions]) => ({ name, partitions }))
}

function partitionIn({ partition, sizeInBytes, offsetLag, isFuture }: DescribedDirectory['logs'][number]) {
  return { partitionIndex: partition, partitionSize: sizeInBytes, offsetLag, isFutureKey: isFuture }
}
