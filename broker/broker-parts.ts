import type { Clock } from '../runtime/clock.ts'
import type { EndOfTurn } from '../runtime/end-of-turn.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Random } from '../runtime/random.ts'
import type { ValidSettings } from './config/load-settings.ts'
import type { Disk } from './log/disk.ts'
import type { MetadataStore } from './metadata/metadata-store.ts'

/** What a broker is started with: its checked settings and the doors to the world. */
export interface BrokerParts {
  readonly loaded: ValidSettings
  readonly clock: Clock
  readonly random: Random
  readonly disk: Disk
  readonly turn: EndOfTurn
  readonly logger: Logger
  /** A store that this broker shares with others of its cluster; its close must not close it for them. */
  readonly sharedStore?: MetadataStore
  /** The broker can no longer serve (its last log directory failed, its metadata is gone): the process has to end. */
  readonly onFatal: (error: Error) => void
  /** Ends a start that waits for others (etcd, the controller): it rejects with the signal's reason. */
  readonly stopAsked?: AbortSignal
}
