// Sequence numbers of idempotent producers: 0 … 2^31 - 1, after the last of which comes 0 again. -1 stands for none.

export const noSequence = -1

const maxSequence = 2 ** 31 - 1

/** The sequence `by` (>= 0) records before `sequence`. None stays none. */
export function subtractFromSequence(sequence: number, by: number): number {
  if (sequence === noSequence) return noSequence
  return sequence >= by ? sequence - by : sequence + maxSequence + 1 - by
}

/** How far it is from `first` on to `last`, neither of them none; 0 when they are the same. */
export function sequencesBetween(first: number, last: number): number {
  return last >= first ? last - first : last - first + maxSequence + 1
}

/** Whether `next` is the one sequence that may follow `last`; after none only 0 may. */
export function follows(last: number, next: number): boolean {
  return last === maxSequence ? next === 0 : next === last + 1
}
