import { alterReplicaLogDirs, errorCode } from '../../protocol/index.ts'
import type { LogDirectories } from '../log/log-directories.ts'
import { type ApiHandler, handler } from './handler.ts'

/** AlterReplicaLogDirs: starts to move replicas to other directories of this broker. */
export function alterReplicaLogDirsHandler(parts: { readonly logs: LogDirectories }): ApiHandler {
  return handler(alterReplicaLogDirs, {}, request => {
    const results = new Map<string, { partitionIndex: number; errorCode: number }[]>()
    for (const { path, topics } of request.dirs) {
      for (const { name, partitions } of topics) {
        const moved = results.get(name) ?? []
        results.set(name, moved)
        for (const partitionIndex of partitions) {
          const { error } = parts.logs.moveReplica(name, partitionIndex, path)
          moved.push({ partitionIndex, errorCode: errorCode(error) })
        }
      }
    }
    return {
      throttleTimeMs: 0,
      results: Array.from(results, ([topicName, partitions]) => ({ topicName, partitions })),
    }
  })
}
