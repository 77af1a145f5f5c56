import type { Random } from './random.ts'

/** Exponential back-off with jitter: how long to wait before attempt number `attempt` (0 = the first retry). */
export function backoffMs(
  attempt: number,
  options: { firstMs: number; mostMs: number; jitter?: number },
  random: Random,
): number {
  const { firstMs, mostMs, jitter = 0.2 } = options
  const plain = Math.min(mostMs, firstMs * 2 ** Math.min(attempt, 30))
  return plain * (1 - jitter + 2 * jitter * random.fraction())
}
