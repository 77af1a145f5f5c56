import type { Uuid } from '../protocol/index.ts'
import type { BrokerParts } from './broker-parts.ts'
import { Cleaner } from './log/cleaner.ts'
import { compactionThreads } from './log/compaction-threads.ts'
import { LogDirectories } from './log/log-directories.ts'
import type { LogDirectoriesOptions } from './log/log-directories-options.ts'
import type { SettingsInForce } from './settings-in-force.ts'

/** Opens the data directories, with recovery where the last stop was not clean, and the cleaner over them. */
export async function openStorage(
  parts: BrokerParts,
  options: {
    readonly inForce: SettingsInForce
    readonly clusterId: Uuid
    /** How to undo each step is noted here, for a start that fails on the way. */
    readonly opened: (() => Promise<unknown>)[]
    /** A directory failed, and others are left. */
    readonly onDirectoryOffline: () => void
  } & Required<Pick<LogDirectoriesOptions, 'onProgress' | 'onReplicaMoved'>>,
): Promise<{ readonly logs: LogDirectories; readonly cleaner: Cleaner }> {
  const { loaded, clock, random, disk, turn, logger } = parts
  const { inForce, clusterId, opened, onDirectoryOffline, onProgress, onReplicaMoved } = options
  const logs = await LogDirectories.open({
    settings: () => inForce.broker,
    topicSettings: topic => inForce.topic(topic),
    disk,
    clock,
    random,
    turn,
    logger,
    clusterId,
    nodeId: loaded.settings['node.id'],
    onDirectoryOffline: (path, error, remaining) => {
      if (remaining === 0)
        parts.onFatal(new Error(`The last log directory, ${path}, has failed.`, { cause: error }))
      else onDirectoryOffline()
    },
    onProgress,
    onReplicaMoved,
  })
  opened.push(() => logs.close({ clean: false }))
  const cleaner = new Cleaner({
    disk,
    clock,
    random,
    logger,
    settings: () => inForce.broker,
    topicSettings: topic => inForce.topic(topic),
    logs: () => logs.all(),
    compactor: compactionThreads(clock),
    settleRecoveryPoints: () => logs.settleRecoveryPoints(),
    checkpoint: () => logs.checkpoint(),
  })
  opened.push(() => cleaner.stop())
  return { logs, cleaner }
}
