/** Java's properties format, as `server.properties` is written: comments, escapes, lines that go on. */

export interface PropertyLine {
  readonly name: string
  readonly value: string
  /** Where it begins, from 1. */
  readonly line: number
}

/** Every property in the order of the file, repeated ones too (the last one counts). */
export function parseProperties(text: string): readonly PropertyLine[] {
  const properties: PropertyLine[] = []
  const lines = text.split(/\r\n|\r|\n/)
  for (let index = 0; index < lines.length; index++) {
    const first = index
    let logical = trimStart(lines[index] ?? '')
    if (logical === '' || logical.startsWith('#') || logical.startsWith('!')) continue
    while (endsInOddBackslashes(logical) && index + 1 < lines.length) {
      index++
      logical = logical.slice(0, -1) + trimStart(lines[index] ?? '')
    }
    const { name, value } = splitProperty(logical)
    properties.push({ name: unescape(name), value: unescape(value), line: first + 1 })
  }
  return properties
}

/** Text that parseProperties reads back as these properties. */
export function formatProperties(properties: Iterable<readonly [name: string, value: string]>): string {
  let text = ''
  for (const [name, value] of properties) text += `${escape(name, /[\\:=#! ]/g)}=${escape(value, /\\|^ /g)}\n`
  return text
}

function trimStart(line: string): string {
  return line.replace(/^[ \t\f]+/, '')
}

function endsInOddBackslashes(line: string): boolean {
  let count = 0
  for (let at = line.length - 1; at >= 0 && line[at] === '\\'; at--) count++
  return count % 2 === 1
}

/** The name ends at the first `=`, `:` or white space that is not escaped. */
function splitProperty(line: string): { name: string; value: string } {
  let end = 0
  while (end < line.length && !/[=: \t\f]/.test(line[end] ?? '')) end += line[end] === '\\' ? 2 : 1
  const rest = line.slice(end)
  const separator = /^[ \t\f]*[=:]?[ \t\f]*/.exec(rest)?.[0].length ?? 0
  return { name: line.slice(0, end), value: rest.slice(separator) }
}

const shortEscapes: { readonly [letter: string]: string } = { t: '\t', n: '\n', r: '\r', f: '\f' }

function unescape(text: string): string {
  return text.replace(/\\u([0-9a-fA-F]{4})|\\(.)|\\$/g, (_all, code?: string, letter?: string) => {
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16))
    return letter === undefined ? '' : (shortEscapes[letter] ?? letter)
  })
}

function escape(text: string, special: RegExp): string {
  return text
    .replace(special, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replaceAll('\f', '\\f')
}
