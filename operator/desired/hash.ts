import { createHash } from 'node:crypto'

/** Ten characters that say what a text, or a value of plain objects, is; the order of keys does not matter. */
export function hashOf(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(sorted(value))
  return createHash('sha256').update(text).digest('hex').slice(0, 10)
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  )
}
