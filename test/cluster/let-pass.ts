import { setTimeout as pause } from 'node:timers/promises'

/** A stretch of time that belongs to what is tested: how long a fault lasts, how often a client writes. */
export async function letPass(ms: number): Promise<void> {
  await pause(ms)
}
