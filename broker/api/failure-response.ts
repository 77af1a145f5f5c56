import { type Api, zeroUuid } from '../../protocol/index.ts'

type Fields = Api['response']['fields']
type Field = Fields[string]

/**
 * The answer to a request whose handler failed, built from the response's declaration alone: `errorCode` at its top,
 * everything else empty. undefined where the response of that version has no error code of its own at the top.
 */
export function failureResponse(
  api: Api,
  version: number,
  errorCode: number,
): Readonly<Record<string, unknown>> | undefined {
  const field = api.response.fields['errorCode']
  if (field === undefined || field.type.kind !== 'int16' || !isPresent(field, version)) return undefined
  return { ...emptyStruct(api.response.fields), errorCode }
}

/** Calls `count` with every error code but 0 that stands in a response. */
export type ErrorWalk = (response: unknown, count: (code: number) => void) => void

/** Finds where error codes can stand in a message, once, so that looking at a response costs little. */
export function errorWalk(fields: Fields): ErrorWalk | undefined {
  const steps: ErrorStep[] = []
  for (const [name, field] of Object.entries(fields)) {
    if (field.type.kind === 'int16') {
      if (name === 'errorCode') steps.push(codeStep(name))
      continue
    }
    const inner = innerStruct(field.type)
    const walk = inner === undefined ? undefined : errorWalk(inner)
    if (walk !== undefined)
      steps.push(field.type.kind === 'array' ? arrayStep(name, walk) : structStep(name, walk))
  }
  if (steps.length === 0) return undefined
  return (response, count) => {
    if (typeof response !== 'object' || response === null) return
    const record = response as Readonly<Record<string, unknown>>
    for (const step of steps) step(record, count)
  }
}

type ErrorStep = (record: Readonly<Record<string, unknown>>, count: (code: number) => void) => void

function codeStep(name: string): ErrorStep {
  return (record, count) => {
    const code = record[name]
    if (typeof code === 'number' && code !== 0) count(code)
  }
}

function arrayStep(name: string, walk: ErrorWalk): ErrorStep {
  return (record, count) => {
    const elements = record[name]
    if (Array.isArray(elements)) for (const element of elements) walk(element, count)
  }
}

function structStep(name: string, walk: ErrorWalk): ErrorStep {
  return (record, count) => walk(record[name], count)
}

function innerStruct(type: Field['type']): Fields | undefined {
  if (type.kind === 'struct') return type.fields
  return type.kind === 'array' && type.element.kind === 'struct' ? type.element.fields : undefined
}

/** Once an answer has an error code of its own, all later versions have it. */
function isPresent({ versions }: Field, version: number): boolean {
  return versions === undefined || version >= Number.parseInt(versions, 10)
}

function emptyStruct(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, emptyValue(field)]))
}

function emptyValue(field: Field): unknown {
  if (field.default !== undefined) return field.default
  switch (field.type.kind) {
    case 'array':
      return []
    case 'struct':
      return field.nullable === undefined ? emptyStruct(field.type.fields) : null
    case 'bytes':
    case 'records':
      return field.nullable === undefined ? Buffer.alloc(0) : null
    case 'string':
      return field.nullable === undefined ? '' : null
    case 'bool':
      return false
    case 'uuid':
      return zeroUuid
    case 'int64Big':
      return 0n
    default:
      return 0
  }
}
