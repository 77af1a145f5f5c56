/** Checks of single values that a range or a list of choices cannot express: what is wrong, or undefined. */

export function gzipLevel(level: number): string | undefined {
  return level === -1 || (level >= 1 && level <= 9)
    ? undefined
    : 'Value must be between 1 and 9 or equal to -1'
}

/** `*`, or pairs of partition and broker such as `0:1,0:2,1:2`. */
export function throttledReplicas(value: readonly string[]): string | undefined {
  if (value.length === 1 && value[0] === '*') return undefined
  return value.every(pair => /^\d+:\d+$/.test(pair))
    ? undefined
    : "Value must be the literal '*' or a list of partition:broker pairs, such as 0:101,1:102"
}

/** `latest`, `earliest`, or `by_duration:` and a duration as ISO 8601 writes it, not negative. */
export function shareOffsetReset(value: string): string | undefined {
  if (value === 'latest' || value === 'earliest') return undefined
  const duration = /^by_duration:P(?=.)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d{1,9})?S)?)?$/i
  return duration.test(value)
    ? undefined
    : 'Value must be latest, earliest or by_duration:<duration>, such as by_duration:PT1H'
}
