// Sets of characters as expressions speak of them: ranges, Unicode properties, and case folded. ASCII is answered from
// a table; beyond it JavaScript's own Unicode tables answer through an expression of one single class, asked about one
// single character, so that nothing can backtrack.

export type Range = readonly [from: number, to: number]

/** One thing that stands in a set. `negated` turns it around after folding. */
export type SetItem =
  | { readonly kind: 'ranges'; readonly ranges: readonly Range[]; readonly negated: boolean }
  /** `property` is what stands between the braces of JavaScript's `\p{…}`. */
  | { readonly kind: 'property'; readonly property: string; readonly negated: boolean }

export class CharacterSet {
  /** Two sets with the same signature hold the same characters. */
  readonly signature: string
  readonly #items: readonly Membership[]
  readonly #negated: boolean
  readonly #ascii: Uint8Array

  constructor(
    items: readonly SetItem[],
    options: { readonly negated?: boolean; readonly fold?: boolean } = {},
  ) {
    const { negated = false, fold = false } = options
    this.signature = `${negated ? '^' : ''}${fold ? 'i' : ''}${items.map(signatureOf).join(',')}`
    this.#items = items.map(item => membershipOf(item, fold))
    this.#negated = negated
    this.#ascii = new Uint8Array(128)
    for (let codePoint = 0; codePoint < 128; codePoint++)
      this.#ascii[codePoint] = this.#holds(codePoint) ? 1 : 0
  }

  has(codePoint: number): boolean {
    return codePoint < 128 ? this.#ascii[codePoint] === 1 : this.#holds(codePoint)
  }

  #holds(codePoint: number): boolean {
    return this.#items.some(holds => holds(codePoint)) !== this.#negated
  }
}

type Membership = (codePoint: number) => boolean

function signatureOf(item: SetItem): string {
  const sign = item.negated ? '!' : ''
  if (item.kind === 'property') return `${sign}p{${item.property}}`
  return sign + item.ranges.map(([from, to]) => `${from}-${to}`).join(';')
}

function membershipOf(item: SetItem, fold: boolean): Membership {
  const { negated } = item
  if (item.kind === 'property' || fold) {
    const body = item.kind === 'property' ? `\\p{${item.property}}` : item.ranges.map(rangeText).join('')
    if (body === '') return () => negated
    const oneCharacter = new RegExp(`^[${body}]$`, fold ? 'iu' : 'u')
    return codePoint => oneCharacter.test(String.fromCodePoint(codePoint)) !== negated
  }
  const { ranges } = item
  return codePoint => ranges.some(([from, to]) => from <= codePoint && codePoint <= to) !== negated
}

function rangeText([from, to]: Range): string {
  return `\\u{${from.toString(16)}}-\\u{${to.toString(16)}}`
}

export const lastCodePoint = 0x10ffff

export function ranges(...from: Range[]): SetItem {
  return { kind: 'ranges', ranges: from, negated: false }
}

/** `\d`, `\s`, `\w` are ASCII alone, as in RE2. */
export const perlClasses: Readonly<Record<string, SetItem>> = {
  d: ranges([0x30, 0x39]),
  s: ranges([0x09, 0x0a], [0x0c, 0x0d], [0x20, 0x20]),
  w: ranges([0x30, 0x39], [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]),
}

export const posixClasses: ReadonlyMap<string, SetItem> = new Map([
  ['alnum', ranges([0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a])],
  ['alpha', ranges([0x41, 0x5a], [0x61, 0x7a])],
  ['ascii', ranges([0x00, 0x7f])],
  ['blank', ranges([0x09, 0x09], [0x20, 0x20])],
  ['cntrl', ranges([0x00, 0x1f], [0x7f, 0x7f])],
  ['digit', ranges([0x30, 0x39])],
  ['graph', ranges([0x21, 0x7e])],
  ['lower', ranges([0x61, 0x7a])],
  ['print', ranges([0x20, 0x7e])],
  ['punct', ranges([0x21, 0x2f], [0x3a, 0x40], [0x5b, 0x60], [0x7b, 0x7e])],
  ['space', ranges([0x09, 0x0d], [0x20, 0x20])],
  ['upper', ranges([0x41, 0x5a])],
  ['word', ranges([0x30, 0x39], [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a])],
  ['xdigit', ranges([0x30, 0x39], [0x41, 0x46], [0x61, 0x66])],
])

/** General categories by their short names, as RE2 has them; scripts by their long ones. */
const categories = new Set(
  'C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs'.split(
    ' ',
  ),
)

/** The class behind `\p{name}`, or undefined when there is none. */
export function unicodeClass(name: string): SetItem | undefined {
  if (name === 'Any') return ranges([0, lastCodePoint])
  if (categories.has(name)) return { kind: 'property', property: `General_Category=${name}`, negated: false }
  // Short names of scripts (Grek, four letters) are JavaScript's alone; RE2 knows the long ones.
  if (!/^[A-Z][A-Za-z_]{1,40}$/.test(name)) return undefined
  if (name.length === 4 && !fourLetterScripts.has(name)) return undefined
  try {
    new RegExp(`\\p{Script=${name}}`, 'u')
  } catch {
    return undefined
  }
  return { kind: 'property', property: `Script=${name}`, negated: false }
}

const fourLetterScripts = new Set(['Ahom', 'Cham', 'Kawi', 'Lisu', 'Miao', 'Modi', 'Newa', 'Thai', 'Toto'])
