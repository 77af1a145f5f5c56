import { alterReplicaLogDirs, errorCode } from '../../protocol/index.ts'
import type { LogDirectories } from '../log/log-directories.ts'
import { type ApiHandler, handler } from './handler.ts'

/** AlterReplicaLogDirs: starts to move replicas to other directories of this broker. */
export function alterReplicaLogDirsHandler(parts: { readonly logs: LogDirectories }): ApiHandler {
  return handler(alterReplicaLogDirs, {}, request => {
    const results = new Map<string, { partitionIndex: number; errorCode: number }[]>()
    for (const { path, topics } of request.dirs) {
      for (const { name, partitions } of topics) {
        const moved = partitions.map(partitionIndex => ({
          partitionIndex,
          errorCode: errorCode(parts.logs.moveReplica(name, partitionIndex, path).error),
        }))
        results.set(name, [...(results.get(name) ?? []), ...moved])
      }
    }
    return {
      throttleTimeMs: 0,
      results: Array.from(results, ([topicName, partitions]) => ({ topicName, partitions })),
    }
  })
}
