/** A key of ours with a value that makes no sense. */
export class MalformedEntry extends Error {
  override readonly name = 'MalformedEntry'
}

/** One entry while it is decoded; every accessor refuses with a sentence that names the key. */
export class EntryReader {
  readonly rest: string
  /** '' when it is gone. */
  readonly value: string
  readonly isGone: boolean
  readonly #key: string
  #parsed: unknown

  constructor(key: string, rest: string, value: string | null) {
    this.#key = key
    this.rest = rest
    this.value = value ?? ''
    this.isGone = value === null
  }

  refuse(why: string): never {
    throw new MalformedEntry(`The entry ${this.#key} of the metadata store makes no sense: ${why}.`)
  }

  has(field: string): boolean {
    return this.#field(field) !== undefined
  }

  names(): string[] {
    return Object.keys(this.#object())
  }

  wholeText(): string {
    const json = this.#json()
    return typeof json === 'string' ? json : this.refuse('it is not a string')
  }

  text(field: string): string {
    const value = this.#field(field)
    return typeof value === 'string' ? value : this.refuse(`${field} is not a string`)
  }

  integer(field: string, absent?: number): number {
    const value = this.#field(field) ?? absent
    return Number.isSafeInteger(value) ? (value as number) : this.refuse(`${field} is not a whole number`)
  }

  flag(field: string): boolean {
    const value = this.#field(field) ?? false
    return typeof value === 'boolean' ? value : this.refuse(`${field} is neither true nor false`)
  }

  list(field: string): readonly unknown[] {
    const value = this.#field(field) ?? nothing
    return Array.isArray(value) ? value : this.refuse(`${field} is not a list`)
  }

  integers(field: string): readonly number[] {
    const value = this.list(field)
    if (value.length === 0) return nothing
    for (const item of value)
      if (!Number.isSafeInteger(item)) this.refuse(`${field} holds more than whole numbers`)
    return value as readonly number[]
  }

  texts(field: string): readonly string[] {
    const value = this.list(field)
    if (value.length === 0) return nothing
    for (const item of value) if (typeof item !== 'string') this.refuse(`${field} holds more than strings`)
    return value as readonly string[]
  }

  numberInKey(text: string): number {
    return /^(0|[1-9][0-9]{0,9})$/.test(text) ? Number(text) : this.refuse('its key does not end in a number')
  }

  decodedName(text: string): string {
    try {
      return decodeURIComponent(text)
    } catch {
      return this.refuse('its key is not URI-encoded')
    }
  }

  #object(): Readonly<Record<string, unknown>> {
    const json = this.#json()
    return isObject(json) ? json : this.refuse('it is not an object')
  }

  #json(): unknown {
    this.#parsed ??= parseJson(this.#key, this.value)
    return this.#parsed
  }

  #field(field: string): unknown {
    const object = this.#object()
    return Object.hasOwn(object, field) ? object[field] : undefined
  }
}

/** One empty list for all: tens of thousands of partitions have three each. */
const nothing: readonly never[] = []

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseJson(key: string, value: string): unknown {
  try {
    const json: unknown = JSON.parse(value)
    if (json !== null) return json
  } catch {
    // Told below, as any other value that is not what the key promises.
  }
  throw new MalformedEntry(
    `The entry ${key} of the metadata store makes no sense: it is not JSON with a value.`,
  )
}
