/** One value of a setting: from text, checked, and back to text as Kafka writes it. */
import { type Setting, type SettingType, unlimited } from './setting-types.ts'

export type Parsed =
  | { readonly mistake: undefined; readonly value: unknown }
  /** As Kafka words it: `Invalid value x for configuration y: …`. */
  | { readonly mistake: string }

/** Reads and checks the value of setting `name`. */
export function parseValue(name: string, setting: Setting<unknown>, text: string): Parsed {
  const shown = setting.sensitive ? '[hidden]' : text
  const wrong = (why: string): Parsed => ({
    mistake: `Invalid value ${shown} for configuration ${name}: ${why}`,
  })
  const read = readText(setting.type, text.trim())
  if (read.mistake !== undefined) return wrong(read.mistake)
  if (Array.isArray(read.value) && read.value.includes('')) {
    return { mistake: `Configuration '${name}' values must not be empty.` }
  }
  const mistake = checkValue(setting, read.value)
  return mistake === undefined ? read : wrong(mistake)
}

function readText(type: SettingType, text: string): Parsed {
  switch (type) {
    case 'boolean': {
      const lower = text.toLowerCase()
      if (lower !== 'true' && lower !== 'false') {
        return { mistake: 'Expected value to be either true or false' }
      }
      return { mistake: undefined, value: lower === 'true' }
    }
    case 'int':
      return readInteger(text, 2n ** 31n, 'INT')
    case 'short':
      return readInteger(text, 2n ** 15n, 'SHORT')
    case 'long':
      return readInteger(text, 2n ** 63n, 'LONG')
    case 'double':
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)
        ? { mistake: undefined, value: Number(text) }
        : { mistake: 'Not a number of type DOUBLE' }
    case 'list':
      return { mistake: undefined, value: splitList(text) }
    case 'string':
    case 'class':
    case 'password':
      return { mistake: undefined, value: text }
  }
}

/** The elements in order, each once. */
export function splitList(text: string): string[] {
  return text === '' ? [] : [...new Set(text.split(',').map(element => element.trim()))]
}

function readInteger(text: string, bound: bigint, type: string): Parsed {
  const notANumber = { mistake: `Not a number of type ${type}` }
  if (!/^[+-]?\d{1,30}$/.test(text)) return notANumber
  const exact = BigInt(text.startsWith('+') ? text.slice(1) : text)
  if (exact < -bound || exact >= bound) return notANumber
  const value = Number(exact)
  if (Number.isSafeInteger(value)) return { mistake: undefined, value }
  return { mistake: undefined, value: exact < 0n ? -unlimited : unlimited }
}

function checkValue(setting: Setting<unknown>, value: unknown): string | undefined {
  if (typeof value === 'number') {
    if (setting.from !== undefined && value < setting.from) {
      return `Value must be at least ${setting.from}`
    }
    if (setting.to !== undefined && value > setting.to) {
      return `Value must be no more than ${setting.to}`
    }
  }
  if (setting.notEmpty && (value === '' || (Array.isArray(value) && value.length === 0))) {
    return `${setting.type === 'list' ? 'List' : 'String'} must not be empty`
  }
  if (setting.oneOf !== undefined) {
    const allowed = setting.oneOf
    const fold = (text: unknown): string => (setting.ignoreCase ? String(text).toLowerCase() : String(text))
    const folded = new Set(allowed.map(fold))
    const elements: readonly unknown[] = Array.isArray(value) ? value : [value]
    if (!elements.every(element => folded.has(fold(element)))) {
      return `String must be one of${setting.ignoreCase ? ' (case insensitive)' : ''}: ${allowed.join(', ')}`
    }
  }
  return setting.check?.(value as NonNullable<unknown>)
}

/** As DescribeConfigs shows it. Null where the setting is not set. */
export function formatValue(type: SettingType, value: unknown): string | null {
  if (Array.isArray(value)) return value.join(',')
  if (typeof value === 'number') return type === 'double' ? formatDouble(value) : formatInteger(value)
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  return typeof value === 'string' ? value : null
}

function formatInteger(value: number): string {
  if (value === unlimited) return '9223372036854775807'
  if (value === -unlimited) return '-9223372036854775808'
  return String(value)
}

/** As Java's Double.toString: a point always, an exponent below 10^-3 and from 10^7 on. */
function formatDouble(value: number): string {
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) {
    const [digits = '', exponent = ''] = value.toExponential().split('e')
    return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`
  }
  return Number.isInteger(value) ? `${value}.0` : String(value)
}
