import { type Api, zeroUuid } from '../../protocol/index.ts'
import { unreachable } from '../../runtime/assert.ts'

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
  if (field === undefined || field.type.kind !== 'int16' || covers(field.versions, version) === false)
    return undefined
  return { ...emptyStruct(api.response.fields, version), errorCode }
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

/** `versions` as a declaration has them: "3", "3-12", "3+"; undefined: none are said. */
function covers(versions: string | undefined, version: number): boolean | undefined {
  if (versions === undefined) return undefined
  const [first, last] = versions.split(/[+-]/)
  return version >= Number(first) && (versions.endsWith('+') || version <= Number(last ?? first))
}

function emptyStruct(fields: Fields, version: number): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, emptyValue(field, version)]))
}

function emptyValue(field: Field, version: number): unknown {
  if (field.default !== undefined && field.default !== null) return field.default
  if (covers(field.nullable, version) === true) return null
  switch (field.type.kind) {
    case 'array':
      return []
    case 'struct':
      return emptyStruct(field.type.fields, version)
    case 'bytes':
    case 'records':
      return Buffer.alloc(0)
    case 'string':
      return ''
    case 'bool':
      return false
    case 'uuid':
      return zeroUuid
    case 'int64Big':
      return 0n
    case 'int8':
    case 'int16':
    case 'uint16':
    case 'int32':
    case 'uint32':
    case 'int64':
    case 'int64Saturated':
    case 'float64':
      return 0
    default:
      return unreachable(field.type)
  }
}
