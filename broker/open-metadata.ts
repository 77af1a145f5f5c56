import { join } from 'node:path'
import { backoffMs } from '../runtime/backoff.ts'
import { sleep } from '../runtime/clock.ts'
import type { BrokerParts } from './broker-parts.ts'
import { logDirectories } from './config/check-broker-settings.ts'
import type { ValidSettings } from './config/load-settings.ts'
import { ClusterMembership } from './controller/cluster-membership.ts'
import { EmbeddedStore } from './metadata/embedded-store.ts'
import { EtcdHistoryFile, readHistory } from './metadata/etcd-history-file.ts'
import type { EtcdStoreOptions } from './metadata/etcd-store.ts'
import { type MetadataStore, OutcomeUnknown, StoreUnavailable } from './metadata/metadata-store.ts'
import type { Metric } from './metrics/metrics.ts'
import type { StartingHealth } from './starting-health.ts'

export interface OpenedMetadata {
  readonly store: MetadataStore
  readonly membership: ClusterMembership
  readonly metrics: readonly Metric[]
  /** Other brokers use the store too: this one is one of a cluster. */
  readonly isShared: boolean
}

/**
 * Opens the metadata store that the settings name, and the cluster in it. Waits for an etcd that is away, as long as
 * nobody asks the broker to stop. Rejects with a sentence when the data directories show that the metadata is in the
 * other kind of store.
 */
export async function openMetadata(
  parts: BrokerParts,
  health: StartingHealth,
  opened: (() => Promise<unknown>)[],
): Promise<OpenedMetadata> {
  const { disk, clock, logger, loaded, sharedStore } = parts
  if (sharedStore !== undefined) return { ...(await openOn(parts, sharedStore, opened)), isShared: true }
  const directory = metadataDirectory(loaded)
  const historyPath = join(directory, '.etcd')
  const embeddedDirectory = join(directory, '.metadata')
  if (loaded.settings['etcd.connect'].length > 0) {
    refuseEmbedded(parts, embeddedDirectory)
    return openEtcd(parts, health, historyPath, opened)
  }
  const history = readHistory(disk, historyPath)
  if (history !== undefined) {
    throw new Error(
      `The metadata of this broker is in etcd, for cluster ${history.clusterUid} (${historyPath} says so), but etcd.connect is not set. Give etcd.connect, or other data directories.`,
    )
  }
  const store = await EmbeddedStore.open({ disk, clock, logger, directory: embeddedDirectory })
  return { ...(await openOn(parts, store, opened)), isShared: false }
}

async function openOn(
  parts: BrokerParts,
  store: MetadataStore,
  opened: (() => Promise<unknown>)[],
): Promise<Omit<OpenedMetadata, 'isShared'>> {
  opened.push(() => store.close())
  const membership = await openMembership(parts, store)
  opened.push(() => membership.leave({ clean: false }))
  membership.images.onEnd(reason => parts.onFatal(reason))
  return { store, membership, metrics: [] }
}

async function openEtcd(
  parts: BrokerParts,
  health: StartingHealth,
  historyPath: string,
  opened: (() => Promise<unknown>)[],
): Promise<OpenedMetadata> {
  const { clock, random, logger, stopAsked } = parts
  const options = etcdOptions(parts, historyPath)
  // Loaded only here: a broker without etcd neither waits nor pays for it.
  const [{ EtcdStore }, { etcdMetrics }] = await Promise.all([
    import('./metadata/etcd-store.ts'),
    import('./metadata/etcd-metrics.ts'),
  ])
  for (let attempt = 0; ; attempt++) {
    try {
      const store = await EtcdStore.open(options)
      try {
        const membership = await openMembership(parts, store)
        opened.push(
          () => store.close(),
          () => membership.leave({ clean: false }),
        )
        membership.images.onEnd(reason => void followRestored(parts, options, reason))
        return { store, membership, metrics: etcdMetrics(store), isShared: true }
      } catch (error) {
        await store.close()
        throw error
      }
    } catch (error) {
      if (!(error instanceof StoreUnavailable || error instanceof OutcomeUnknown)) throw error
      health.waitsFor('etcd', error.message)
      if (isWorthTelling(attempt)) logger.warn({ reason: error.message }, 'The broker waits for etcd.')
      await sleep(clock, backoffMs(attempt, { firstMs: 200, mostMs: 3000 }, random), stopAsked)
    }
  }
}

/**
 * etcd is not what it was. The broker goes on with the metadata that it has, as when etcd is away, until somebody
 * says that the older state is meant: then it has to begin anew with that.
 */
async function followRestored(parts: BrokerParts, options: EtcdStoreOptions, reason: Error): Promise<void> {
  const { clock, logger, onFatal, stopAsked } = parts
  const [{ EtcdStore }, { StoreRestored }] = await Promise.all([
    import('./metadata/etcd-store.ts'),
    import('./metadata/etcd-history.ts'),
  ])
  if (!(reason instanceof StoreRestored)) return onFatal(reason)
  logger.error(
    { reason: reason.message },
    'etcd was restored or replaced. The broker goes on without changes of metadata until that is cleared up.',
  )
  for (;;) {
    try {
      await sleep(clock, askAgainMs, stopAsked)
      await (await EtcdStore.open(options)).close()
    } catch (error) {
      if (stopAsked?.aborted) return
      if (error instanceof StoreUnavailable) continue
      return onFatal(error instanceof Error ? error : new Error(String(error)))
    }
    return onFatal(
      new Error('etcd is to be taken with the state that it has now: the broker has to be started again.'),
    )
  }
}

const askAgainMs = 5000

/** The first few times, then ever more rarely. */
function isWorthTelling(attempt: number): boolean {
  return attempt < 2 || attempt % 20 === 0
}

function openMembership(
  { loaded, clock, random, logger, onFatal }: BrokerParts,
  store: MetadataStore,
): Promise<ClusterMembership> {
  const clusterId = loaded.settings['cluster.id']
  return ClusterMembership.open({ store, clock, random, logger, clusterId, onIdTaken: onFatal })
}

/** Metadata of before must not be passed over in silence. */
function refuseEmbedded({ disk }: BrokerParts, directory: string): void {
  if (disk.stat(directory) === undefined || disk.readDirectory(directory).length === 0) return
  throw new Error(
    `${directory} holds the metadata of a cluster of one broker without etcd; with etcd.connect its topics would be unknown. ` +
      'Remove etcd.connect to go on with it, or start with other data directories and copy the topics over.',
  )
}

function etcdOptions(parts: BrokerParts, historyPath: string): EtcdStoreOptions {
  const { disk, clock, random, logger } = parts
  const { settings } = parts.loaded
  const clusterUid = settings['cluster.id'] ?? ''
  const pem = (
    setting: 'etcd.tls.ca.file' | 'etcd.tls.certificate.file' | 'etcd.tls.key.file',
  ): Buffer | null => {
    const path = settings[setting]
    if (path === null) return null
    const content = disk.readFile(path)
    if (content === undefined) throw new Error(`${setting}: there is no file ${path}.`)
    return content
  }
  return {
    connection: {
      endpoints: settings['etcd.connect'],
      username: settings['etcd.username'],
      password: settings['etcd.password'],
      tls: () => ({
        ca: pem('etcd.tls.ca.file'),
        certificate: pem('etcd.tls.certificate.file'),
        key: pem('etcd.tls.key.file'),
      }),
      requestTimeoutMs: settings['etcd.request.timeout.ms'],
    },
    prefix: settings['etcd.prefix'],
    clusterUid,
    historyFile: new EtcdHistoryFile(disk, historyPath, clusterUid),
    clock,
    random,
    logger,
  }
}

/** `metadata.log.dir`, else the first log directory; names in it that begin with a dot are no partitions. */
function metadataDirectory({ settings }: ValidSettings): string {
  return settings['metadata.log.dir'] ?? logDirectories(settings)[0] ?? '.'
}
