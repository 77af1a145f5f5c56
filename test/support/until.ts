import { setImmediate as nextTurn } from 'node:timers/promises'

/** Turns the event loop until `condition` holds; fails with `what` when it does not within `withinMs`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  withinMs = 10_000,
): Promise<void> {
  const deadlineMs = performance.now() + withinMs
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`Not within ${withinMs} ms: ${what}`)
    await nextTurn()
  }
}
