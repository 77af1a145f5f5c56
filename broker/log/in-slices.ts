import { type Clock, sleep } from '../../runtime/clock.ts'

/** So long the loop is held at a time; a produce request waits no longer because of housekeeping. */
const sliceMs = 3

/**
 * Calls `job` for every item, a few milliseconds at a time, so that ten thousand of them do not hold up the loop. Stops
 * between two items when `signal` is aborted. Rejects with what `job` throws.
 */
export async function inSlices<Item>(
  clock: Clock,
  items: Iterable<Item>,
  job: (item: Item) => void,
  signal?: AbortSignal,
): Promise<void> {
  let startedAtMs = clock.monotonicMs()
  for (const item of items) {
    if (signal?.aborted === true) return
    job(item)
    if (clock.monotonicMs() - startedAtMs < sliceMs) continue
    await sleep(clock, 0)
    startedAtMs = clock.monotonicMs()
  }
}

/** Calls `job` for every item, at most `atOnce` of them under way at a time. Rejects with the first failure, after all have ended. */
export async function atMostAtOnce<Item>(
  atOnce: number,
  items: Iterable<Item>,
  job: (item: Item) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  const failures: unknown[] = []
  const runner = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true && failures.length === 0; next = iterator.next()) {
      try {
        await job(next.value)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, runner))
  if (failures.length > 0) throw failures[0]
}
