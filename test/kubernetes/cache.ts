/** Where what takes long to make is kept between runs, outside the work tree: ~/.cache/barnabas, or TEST_CACHE_DIRECTORY. */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

export const cacheDirectory =
  process.env['TEST_CACHE_DIRECTORY'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'barnabas')

/**
 * The directory `name` of the cache, filled by `make` when it is not there. It appears whole, by a rename; when several
 * processes make it at once, the first one wins.
 */
export async function cached(name: string, make: (directory: string) => Promise<void>): Promise<string> {
  const place = join(cacheDirectory, name)
  if (existsSync(place)) return place
  const fresh = `${place}.${process.pid}`
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(dirname(place), { recursive: true })
  mkdirSync(fresh)
  try {
    await make(fresh)
    renameSync(fresh, place)
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    if (!existsSync(place)) throw error
  }
  return place
}
