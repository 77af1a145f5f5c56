import type { Api } from '../../protocol/index.ts'

type Fields = Api['response']['fields']

/**
 * About how many bytes a response takes, from its declaration: the records in it, and something for what is around them. Only
 * records make answers large, and only they are worth looking for.
 */
export function answerSizeOf(fields: Fields): (response: unknown) => number {
  const walk = recordsWalk(fields)
  return walk === undefined ? () => usualBytes : response => usualBytes + walk(response)
}

/** Most answers are small; a buffer that turns out too small grows. */
const usualBytes = 256
/** For each struct that holds records: its other fields. */
const aroundRecordsBytes = 128

type Walk = (value: unknown) => number

function recordsWalk(fields: Fields): Walk | undefined {
  const steps: Walk[] = []
  for (const [name, { type }] of Object.entries(fields)) {
    if (type.kind === 'records') steps.push(struct => aroundRecordsBytes + lengthOf(member(struct, name)))
    else if (type.kind === 'array' && type.element.kind === 'struct') {
      const walk = recordsWalk(type.element.fields)
      if (walk !== undefined) steps.push(struct => sum(member(struct, name), walk))
    }
  }
  if (steps.length === 0) return undefined
  return struct => {
    let bytes = 0
    for (const step of steps) bytes += step(struct)
    return bytes
  }
}

function member(struct: unknown, name: string): unknown {
  return typeof struct === 'object' && struct !== null
    ? (struct as Readonly<Record<string, unknown>>)[name]
    : undefined
}

function lengthOf(records: unknown): number {
  const length = member(records, 'length')
  return typeof length === 'number' ? length : 0
}

function sum(elements: unknown, walk: Walk): number {
  if (!Array.isArray(elements)) return 0
  let bytes = 0
  for (const element of elements) bytes += walk(element)
  return bytes
}
