import type { Uuid } from '../../protocol/index.ts'
import { DiskError } from './disk.ts'
import { ForeignDirectory, prepareDirectory, type PreparedDirectory } from './prepare-directory.ts'

type PrepareOptions = Omit<Parameters<typeof prepareDirectory>[0], 'path'>

/**
 * Prepares all log directories of a broker. Those whose disk does not work are told apart; anything that is not ours lets
 * go of all of them and throws ForeignDirectory.
 */
export function prepareDirectories(
  paths: readonly string[],
  options: PrepareOptions,
): {
  readonly prepared: readonly PreparedDirectory[]
  readonly failed: readonly { readonly path: string; readonly error: DiskError }[]
} {
  const prepared: PreparedDirectory[] = []
  const failed: { path: string; error: DiskError }[] = []
  try {
    for (const path of paths) {
      try {
        prepared.push(prepareDirectory({ ...options, path }))
      } catch (error) {
        if (!(error instanceof DiskError)) throw error
        failed.push({ path, error })
      }
    }
    refuseTwins(prepared)
  } catch (error) {
    for (const { lock } of prepared) lock.release()
    throw error
  }
  return { prepared, failed }
}

/** The epoch that all directories agree on; undefined when one of them was not left cleanly. */
export function commonCleanStop(prepared: readonly PreparedDirectory[]): number | undefined {
  const epochs = new Set(prepared.map(({ cleanStopEpoch }) => cleanStopEpoch))
  const [epoch] = epochs
  return epochs.size === 1 ? epoch : undefined
}

/** A copied directory would count its replicas twice. */
function refuseTwins(prepared: readonly PreparedDirectory[]): void {
  const paths = new Map<Uuid, string>()
  for (const { id, path } of prepared) {
    const twin = paths.get(id)
    if (twin !== undefined) {
      throw new ForeignDirectory(
        `${path} and ${twin} have the same directory.id ${id} in meta.properties: one is a copy of the other. Take the copy out of log.dirs.`,
      )
    }
    paths.set(id, path)
  }
}
