import type { Logger } from '../../runtime/logger.ts'
import { replicaName } from './directory-names.ts'
import type { LogDirectory, Replica } from './log-directory.ts'
import type { PreparedDirectory } from './prepare-directory.ts'
import type { ReplicaMoves } from './replica-moves.ts'

/** What a start finds in log directories besides one folder for each replica, once all logs are open. */

export type FindReplica = (topic: string, partition: number) => FoundReplica | undefined

interface FoundReplica {
  readonly directory: LogDirectory
  readonly replica: Replica
}

/** A move between directories was cut short between its two renames: both hold all records; the longer one stays. */
export function resolveDoubles(directories: readonly LogDirectory[]): void {
  const seen = new Map<string, FoundReplica>()
  for (const directory of directories) {
    for (const replica of directory.replicas()) {
      const name = replicaName(replica.topic, replica.partition)
      const other = seen.get(name)
      if (other === undefined) {
        seen.set(name, { directory, replica })
        continue
      }
      const isLonger = (replica.log?.nextOffset ?? -1) > (other.replica.log?.nextOffset ?? -1)
      const spare = isLonger ? other : { directory, replica }
      if (isLonger) seen.set(name, { directory, replica })
      spare.directory.attempt(() =>
        spare.directory.putAside(spare.replica, 'It is in another log directory too.'),
      )
    }
  }
}

/** What folders that are no live replicas ask for: removal, a move to begin again, a word to somebody. */
export function tidyFolders(
  prepared: PreparedDirectory,
  directory: LogDirectory,
  { find, moves, logger }: TidyParts,
): void {
  for (const { kind, topic, partition, name } of prepared.folders) {
    const folder = `${prepared.path}/${name}`
    if (kind === 'delete') directory.removeLater(folder, 0)
    else if (kind === 'stray') {
      logger.warn({ folder }, 'There is a replica that was put aside; remove it when nobody needs it.')
    } else if (kind === 'future') {
      const found = find(topic, partition)
      if (found?.replica.log === undefined) {
        logger.warn({ folder }, 'The replica that was being moved here is not online; its copy is kept.')
        continue
      }
      directory.removeLater(folder, 0)
      if (found.directory !== directory) moves.start(found.replica, found.directory, directory)
    }
  }
}

interface TidyParts {
  readonly find: FindReplica
  readonly moves: Pick<ReplicaMoves, 'start'>
  readonly logger: Logger
}
