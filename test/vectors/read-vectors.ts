// Reads the vectors of test/vectors/data (see the README there) and compares their values with ours.
import { readdirSync, readFileSync } from 'node:fs'

const folder = new URL('./data/', import.meta.url)

/** A value as the generator prints it: bytes in base64, uuids as Kafka prints them, numbers past 2^53 as strings. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue }

type Style = 'default' | 'full' | 'null' | 'empty' | 'extreme' | 'unknown-tags'

export interface Vector {
  readonly kind: 'request' | 'response' | 'data'
  readonly version: number
  readonly case: Style
  /** In the file in base64. */
  readonly bytes: Buffer
  /** Every field of the message, defaults too. */
  readonly value: JsonValue
}

/** Names, without ending, of the files under `test/vectors/data/<path>`. */
export function vectorFiles(path: string): string[] {
  return readdirSync(new URL(`${path}/`, folder)).map(name => name.replace(/\.jsonl$/, ''))
}

/** The lines of one file; base64 in their field `bytes` is made a Buffer. */
export function readLines(path: string): Record<string, JsonValue | Buffer>[] {
  const lines = readFileSync(new URL(`${path}.jsonl`, folder), 'utf8')
    .trimEnd()
    .split('\n')
  return lines.map(line => {
    const parsed = JSON.parse(line) as Record<string, JsonValue>
    return typeof parsed.bytes === 'string'
      ? { ...parsed, bytes: Buffer.from(parsed.bytes, 'base64') }
      : parsed
  })
}

/** The vectors of one file, without the line that says what it is about. */
export function readVectors(path: string): Vector[] {
  return readLines(path).filter(line => 'case' in line) as unknown as Vector[]
}

/** Where two values differ, in words; empty when they are the same. `ours` has Buffers for bytes and may have bigints. */
export function differences(ours: unknown, kafkas: JsonValue, path = ''): string[] {
  if (Array.isArray(kafkas)) {
    if (!Array.isArray(ours)) return [`${path}: ${show(ours)} is not the array ${show(kafkas)}`]
    if (ours.length !== kafkas.length) return [`${path}: ${ours.length} elements, not ${kafkas.length}`]
    return kafkas.flatMap((element: JsonValue, index) =>
      differences(ours[index], element, `${path}[${index}]`),
    )
  }
  if (typeof kafkas === 'object' && kafkas !== null) {
    if (typeof ours !== 'object' || ours === null) return [`${path}: ${show(ours)} is not ${show(kafkas)}`]
    const theirs = kafkas as Readonly<Record<string, JsonValue>>
    const values = ours as Readonly<Record<string, unknown>>
    const unknown = Object.keys(values).filter(name => !(name in theirs))
    return [
      ...unknown.map(name => `${path}.${name}: Kafka has no such field`),
      ...Object.entries(theirs).flatMap(([name, value]) =>
        differences(values[name], value, `${path}.${name}`),
      ),
    ]
  }
  if (same(ours, kafkas)) return []
  return [`${path}: ${show(ours)}, not ${show(kafkas)}`]
}

function same(ours: unknown, kafkas: null | boolean | number | string): boolean {
  if (Buffer.isBuffer(ours)) return ours.toString('base64') === kafkas
  if (typeof ours === 'bigint') return typeof kafkas !== 'object' && ours === BigInt(kafkas)
  return Object.is(ours, kafkas) || (ours === 0 && kafkas === 0)
}

function show(value: unknown): string {
  return typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? 'undefined')
}
