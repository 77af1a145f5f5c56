/** Fails with a sentence (and the facts behind it) when an invariant of this program does not hold: a bug, never bad input. */
export function assert(
  condition: unknown,
  sentence: string,
  facts?: Readonly<Record<string, unknown>>,
): asserts condition {
  if (condition) return
  throw new AssertionError(facts === undefined ? sentence : `${sentence} (${JSON.stringify(facts)})`)
}

/** The end of every switch over a union: a compile error when a case is missing. */
export function unreachable(value: never): never {
  throw new AssertionError(`No case handles ${JSON.stringify(value)}.`)
}

export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}
