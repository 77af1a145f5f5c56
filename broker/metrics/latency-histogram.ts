/**
 * How long things took: counts in 256 buckets, eight to every doubling, from 1 µs to an hour. Recording is a few integer
 * operations. Totals since the start serve histograms; quantiles speak of the last one to two minutes.
 */
export class LatencyHistogram {
  readonly #total = new Float64Array(buckets)
  #current = new Uint32Array(buckets)
  #previous = new Uint32Array(buckets)
  #rotatedAtMs: number | undefined
  count = 0
  sumMs = 0

  record(durationMs: number): void {
    const at = bucketOf(durationMs)
    this.#total[at] = (this.#total[at] ?? 0) + 1
    this.#current[at] = (this.#current[at] ?? 0) + 1
    this.count++
    this.sumMs += durationMs
  }

  /** Milliseconds that the given shares (0 … 1) of recent durations do not exceed, within 13 %; 0 when there were none. */
  quantilesMs(shares: readonly number[], nowMs: number): number[] {
    this.#rotate(nowMs)
    let seen = 0
    for (let at = 0; at < buckets; at++) seen += (this.#current[at] ?? 0) + (this.#previous[at] ?? 0)
    return shares.map(share => (seen === 0 ? 0 : this.#quantileMs(Math.max(1, Math.ceil(share * seen)))))
  }

  /** How many durations were at most `2 ** exponent` microseconds, for each of the exponents (ascending). */
  cumulative(exponents: readonly number[]): number[] {
    const counts: number[] = []
    let at = 0
    let sum = 0
    for (const exponent of exponents) {
      for (const end = exponent * perDoubling; at < end && at < buckets; at++) sum += this.#total[at] ?? 0
      counts.push(sum)
    }
    return counts
  }

  #quantileMs(rank: number): number {
    let sum = 0
    for (let at = 0; at < buckets; at++) {
      sum += (this.#current[at] ?? 0) + (this.#previous[at] ?? 0)
      if (sum >= rank) return upperBoundMs(at)
    }
    return upperBoundMs(buckets - 1)
  }

  #rotate(nowMs: number): void {
    if (this.#rotatedAtMs === undefined) this.#rotatedAtMs = nowMs
    const passedMs = nowMs - this.#rotatedAtMs
    if (passedMs < windowMs) return
    this.#rotatedAtMs = nowMs
    const oldest = this.#previous
    this.#previous = this.#current
    this.#current = oldest.fill(0)
    if (passedMs >= 2 * windowMs) this.#previous.fill(0)
  }
}

const perDoubling = 8
const buckets = 32 * perDoubling
const windowMs = 60_000

/** Bucket of a duration: the position of its highest bit in microseconds, then the three bits after it. */
function bucketOf(durationMs: number): number {
  const us = Math.min(2 ** 32 - 1, Math.max(1, durationMs * 1000)) >>> 0
  const exponent = 31 - Math.clz32(us)
  const rest = exponent >= 3 ? us >>> (exponent - 3) : us << (3 - exponent)
  return exponent * perDoubling + (rest & 7)
}

function upperBoundMs(bucket: number): number {
  const exponent = Math.floor(bucket / perDoubling)
  return (2 ** exponent * (1 + ((bucket % perDoubling) + 1) / perDoubling)) / 1000
}
