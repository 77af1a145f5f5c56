// RE2's syntax, with the flags Kafka uses (Perl's classes and escapes, Unicode groups, `^` and `$` at the ends of the
// text alone). Whether a repetition is greedy does not matter for whole matches, so it is read and forgotten.

import {
  CharacterSet,
  lastCodePoint,
  perlClasses,
  posixClasses,
  type Range,
  ranges,
  type SetItem,
  unicodeClass,
} from './character-set.ts'
import { type Assertion, ExpressionError, type Node } from './syntax.ts'

/** Largest count in braces, and largest product of counts nested in each other. */
export const maxRepeat = 1000
/** Deepest nesting of groups. */
export const maxDepth = 250
/** Longest expression, in UTF-16 units; a string of the protocol is no longer either. */
export const maxExpressionLength = 32_767

interface Flags {
  readonly fold: boolean
  readonly multiLine: boolean
  readonly dotAll: boolean
}

/** Throws ExpressionError. */
export function parseExpression(text: string): Node {
  if (text.length > maxExpressionLength)
    throw new ExpressionError(
      `the expression is ${text.length} characters long, and ${maxExpressionLength} are allowed`,
    )
  return new Parser(text).parse()
}

const empty: Node = { kind: 'empty' }

class Parser {
  readonly #text: readonly string[]
  #at = 0
  #depth = 0
  #flags: Flags = { fold: false, multiLine: false, dotAll: false }
  readonly #groupNames = new Set<string>()
  /** Most expressions name the same characters again and again. */
  readonly #singles = new Map<string, CharacterSet>()

  constructor(text: string) {
    this.#text = Array.from(text)
  }

  parse(): Node {
    const node = this.#choice()
    if (this.#at < this.#text.length) this.#refuse('there is a ) without its (')
    return node
  }

  #choice(): Node {
    const nodes = [this.#sequence()]
    while (this.#take('|')) nodes.push(this.#sequence())
    return nodes.length === 1 ? nodes[0]! : { kind: 'choice', nodes }
  }

  #sequence(): Node {
    const nodes: Node[] = []
    while (this.#at < this.#text.length) {
      const next = this.#peek()
      if (next === '|' || next === ')') break
      if (next === '\\' && this.#peek(1) === 'Q') {
        this.#quoted(nodes)
        continue
      }
      const from = this.#at
      const node = this.#atom()
      // Flags such as (?i) change what follows and are nothing that could be repeated.
      if (node === undefined) {
        this.#refuseRepetitionAt(from)
        continue
      }
      nodes.push(this.#repeated(node, from))
    }
    if (nodes.length === 0) return empty
    return nodes.length === 1 ? nodes[0]! : { kind: 'sequence', nodes }
  }

  /** `\Q…\E`: everything between stands for itself; a repetition after it takes the last character. */
  #quoted(nodes: Node[]): void {
    this.#at += 2
    const first = nodes.length
    while (this.#at < this.#text.length) {
      if (this.#peek() === '\\' && this.#peek(1) === 'E') {
        this.#at += 2
        break
      }
      nodes.push(this.#literal(this.#next()))
    }
    if (nodes.length === first) return
    const last = nodes.pop()!
    nodes.push(this.#repeated(last, this.#at))
  }

  #atom(): Node | undefined {
    const character = this.#next()
    switch (character) {
      case '(':
        return this.#group()
      case '[':
        return this.#class()
      case '.':
        return {
          kind: 'character',
          set: new CharacterSet(
            this.#flags.dotAll ? [ranges([0, lastCodePoint])] : [ranges([0, 9], [11, lastCodePoint])],
          ),
        }
      case '^':
        return { kind: 'assertion', at: this.#flags.multiLine ? 'beginLine' : 'beginText' }
      case '$':
        return { kind: 'assertion', at: this.#flags.multiLine ? 'endLine' : 'endText' }
      case '*':
      case '+':
      case '?':
        return this.#refuse(`nothing stands before ${character} that could be repeated`)
      case '\\':
        return this.#escape()
      default:
        return this.#literal(character)
    }
  }

  #literal(character: string): Node {
    const key = this.#flags.fold ? `i${character}` : character
    let set = this.#singles.get(key)
    if (set === undefined) {
      const codePoint = character.codePointAt(0)!
      set = this.#set([ranges([codePoint, codePoint])])
      this.#singles.set(key, set)
    }
    return { kind: 'character', set }
  }

  #set(items: readonly SetItem[], negated = false): CharacterSet {
    return new CharacterSet(items, { negated, fold: this.#flags.fold })
  }

  #repeated(node: Node, from: number): Node {
    const repetition = this.#repetition()
    if (repetition === undefined) return node
    const repeated: Node =
      isEmpty(node) || repetition.max === 0 ? empty : { kind: 'repeat', node, ...repetition }
    if (nestedRepeats(repeated, maxRepeat) === 0)
      this.#refuse(`repetitions inside each other come to more than ${maxRepeat}`)
    const second = this.#at
    if (this.#repetition() !== undefined)
      this.#refuse(`the repetition ${this.#text.slice(from, this.#at).join('')} repeats a repetition`, second)
    return repeated
  }

  #refuseRepetitionAt(from: number): void {
    if (this.#repetition() !== undefined)
      this.#refuse(`nothing can be repeated in ${this.#text.slice(from, this.#at).join('')}`)
  }

  #repetition(): { min: number; max: number } | undefined {
    const bounds = this.#bounds()
    if (bounds !== undefined) this.#take('?')
    return bounds
  }

  #bounds(): { min: number; max: number } | undefined {
    if (this.#take('*')) return { min: 0, max: Number.POSITIVE_INFINITY }
    if (this.#take('+')) return { min: 1, max: Number.POSITIVE_INFINITY }
    if (this.#take('?')) return { min: 0, max: 1 }
    if (this.#peek() !== '{') return undefined
    // What does not look like {n}, {n,} or {n,m} is a brace that stands for itself.
    let end = this.#at + 1
    while (end < this.#text.length && this.#text[end] !== '}' && end - this.#at < 32) end++
    const counts = /^(0|[1-9][0-9]*)(,(0|[1-9][0-9]*)?)?$/.exec(this.#text.slice(this.#at + 1, end).join(''))
    if (counts === null || this.#text[end] !== '}') return undefined
    const min = Number(counts[1])
    const max =
      counts[2] === undefined ? min : counts[3] === undefined ? Number.POSITIVE_INFINITY : Number(counts[3])
    const tooMany = min > maxRepeat || (max !== Number.POSITIVE_INFINITY && max > maxRepeat)
    if (tooMany || max < min)
      this.#refuse(
        `the repetition {${counts[0]}} is not possible: counts go up to ${maxRepeat} and the second is not below the first`,
      )
    this.#at = end + 1
    return { min, max }
  }

  #group(): Node | undefined {
    const opened = this.#at - 1
    const outer = this.#flags
    if (this.#peek() === '?') {
      if (this.#groupName() === undefined) {
        const flags = this.#groupFlags()
        this.#flags = flags.flags
        if (!flags.scoped) return undefined
      }
    }
    this.#depth++
    if (this.#depth > maxDepth) this.#refuse(`groups nest deeper than ${maxDepth}`)
    const node = this.#choice()
    if (!this.#take(')')) this.#refuse('a ( has no )', opened)
    this.#depth--
    this.#flags = outer
    return node
  }

  /** `?P<name>` or `?<name>`. */
  #groupName(): string | undefined {
    const start = this.#peek(1) === 'P' ? 3 : 2
    if (this.#peek(start - 1) !== '<') return undefined
    const end = this.#text.indexOf('>', this.#at + start)
    const name = end === -1 ? '' : this.#text.slice(this.#at + start, end).join('')
    if (!/^[0-9A-Za-z_]+$/.test(name)) this.#refuse('a group has no proper name')
    if (this.#groupNames.has(name)) this.#refuse(`two groups are named ${name}`)
    this.#groupNames.add(name)
    this.#at = end + 1
    return name
  }

  /** `?flags)` holds until the group around it ends; `?flags:` opens a group. */
  #groupFlags(): { flags: Flags; scoped: boolean } {
    const from = this.#at
    this.#at++
    const flags = { ...this.#flags }
    let on = true
    let some = false
    for (;;) {
      const character = this.#at < this.#text.length ? this.#next() : ''
      if (character === 'i') flags.fold = on
      else if (character === 'm') flags.multiLine = on
      else if (character === 's') flags.dotAll = on
      // U turns greediness around, which is forgotten anyway.
      else if (character !== 'U') {
        if (character === '-' && on) {
          on = false
          some = false
          continue
        }
        const complete = on || some
        if (character === ':' && complete) return { flags, scoped: true }
        if (character === ')' && complete) return { flags, scoped: false }
        this.#refuse(`(${this.#text.slice(from, this.#at).join('')} is no group that RE2 knows`, from)
      }
      some = true
    }
  }

  #escape(): Node {
    if (this.#at >= this.#text.length) this.#refuse('a \\ stands at the end')
    const character = this.#peek()
    const assertion = assertions[character]
    if (assertion !== undefined) {
      this.#at++
      return { kind: 'assertion', at: assertion }
    }
    const item = this.#classEscape()
    if (item !== undefined) return { kind: 'character', set: this.#set([item]) }
    return this.#literal(String.fromCodePoint(this.#characterEscape()))
  }

  /** Behind a backslash: `d D s S w W`, `pN p{Greek} P{^Greek}`; nothing is taken when it is something else. */
  #classEscape(): SetItem | undefined {
    const character = this.#peek()
    const perl = perlClasses[character.toLowerCase()]
    if (perl !== undefined && character.length === 1 && /[a-z]/i.test(character)) {
      this.#at++
      return character === character.toLowerCase() ? perl : turned(perl)
    }
    if (character !== 'p' && character !== 'P') return undefined
    const from = this.#at
    this.#at++
    if (this.#at >= this.#text.length) this.#refuse('\\p has no name of a class', from)
    let name = this.#next()
    if (name === '{') {
      const end = this.#text.indexOf('}', this.#at)
      if (end === -1) this.#refuse('\\p{ has no }', from)
      name = this.#text.slice(this.#at, end).join('')
      this.#at = end + 1
    }
    const negated = name.startsWith('^')
    const item = unicodeClass(negated ? name.slice(1) : name)
    if (item === undefined) this.#refuse(`no class of characters is named ${name}`, from)
    return negated === (character === 'P') ? item : turned(item)
  }

  /** Behind a backslash: one character, as its code point. */
  #characterEscape(): number {
    const from = this.#at
    const character = this.#next()
    const named = namedEscapes[character]
    if (named !== undefined) return named
    if (character >= '0' && character <= '7' && character.length === 1) {
      // \1 to \7 alone would be references back, which RE2 does not have.
      if (character !== '0' && !isOctal(this.#peek())) return this.#unknownEscape(from)
      let value = Number(character)
      for (let more = 0; more < 2 && isOctal(this.#peek()); more++) value = value * 8 + Number(this.#next())
      return value
    }
    if (character === 'x') return this.#hexEscape(from)
    const codePoint = character.codePointAt(0)!
    if (codePoint < 128 && !/[0-9A-Za-z]/.test(character)) return codePoint
    return this.#unknownEscape(from)
  }

  #hexEscape(from: number): number {
    let digits: string
    if (this.#take('{')) {
      const end = this.#text.indexOf('}', this.#at)
      digits = end === -1 ? '' : this.#text.slice(this.#at, end).join('')
      this.#at = end === -1 ? this.#text.length : end + 1
    } else {
      digits = this.#text.slice(this.#at, this.#at + 2).join('')
      this.#at = Math.min(this.#at + 2, this.#text.length)
      if (digits.length !== 2) digits = ''
    }
    if (!/^[0-9A-Fa-f]{1,8}$/.test(digits)) return this.#unknownEscape(from)
    const value = Number.parseInt(digits, 16)
    return value > lastCodePoint ? this.#unknownEscape(from) : value
  }

  #unknownEscape(from: number): never {
    return this.#refuse(`\\${this.#text.slice(from, this.#at).join('')} is no escape that RE2 knows`, from)
  }

  #class(): Node {
    const opened = this.#at - 1
    const negated = this.#take('^')
    const items: SetItem[] = []
    const own: Range[] = []
    let first = true
    while (first || this.#peek() !== ']') {
      if (this.#at >= this.#text.length) this.#refuse('a [ has no ]', opened)
      first = false
      const item = this.#posixClass() ?? this.#classEscapeInside()
      if (item !== undefined) items.push(item)
      else own.push(this.#range())
    }
    this.#at++
    if (own.length > 0) items.unshift({ kind: 'ranges', ranges: own, negated: false })
    return { kind: 'character', set: this.#set(items, negated) }
  }

  #posixClass(): SetItem | undefined {
    if (this.#peek() !== '[' || this.#peek(1) !== ':') return undefined
    let end = this.#at + 2
    while (end < this.#text.length && !(this.#text[end] === ':' && this.#text[end + 1] === ']')) end++
    if (end >= this.#text.length) return undefined
    const name = this.#text.slice(this.#at + 2, end).join('')
    const negated = name.startsWith('^')
    const item = posixClasses.get(negated ? name.slice(1) : name)
    if (item === undefined) this.#refuse(`no class of characters is named [:${name}:]`)
    this.#at = end + 2
    return negated ? turned(item) : item
  }

  #classEscapeInside(): SetItem | undefined {
    if (this.#peek() !== '\\') return undefined
    this.#at++
    const item = this.#at < this.#text.length ? this.#classEscape() : undefined
    if (item === undefined) this.#at--
    return item
  }

  #range(): Range {
    const from = this.#at
    const low = this.#classCharacter()
    if (this.#peek() !== '-' || this.#peek(1) === ']' || this.#peek(1) === '') return [low, low]
    this.#at++
    const high = this.#classCharacter()
    if (high < low)
      this.#refuse(`the range ${this.#text.slice(from, this.#at).join('')} goes backwards`, from)
    return [low, high]
  }

  #classCharacter(): number {
    if (this.#at >= this.#text.length) this.#refuse('a [ has no ]')
    const character = this.#next()
    if (character !== '\\') return character.codePointAt(0)!
    if (this.#at >= this.#text.length) this.#refuse('a \\ stands at the end')
    return this.#characterEscape()
  }

  /** The character `ahead` places further on, or '' past the end. */
  #peek(ahead = 0): string {
    return this.#text[this.#at + ahead] ?? ''
  }

  #next(): string {
    return this.#text[this.#at++]!
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false
    this.#at++
    return true
  }

  #refuse(why: string, at = this.#at): never {
    throw new ExpressionError(`${why} (character ${Math.min(at, this.#text.length) + 1})`)
  }
}

const assertions: Readonly<Record<string, Assertion>> = {
  A: 'beginText',
  z: 'endText',
  b: 'wordBoundary',
  B: 'noWordBoundary',
}

const namedEscapes: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 }

function isOctal(character: string): boolean {
  return character.length === 1 && character >= '0' && character <= '7'
}

function turned(item: SetItem): SetItem {
  return { ...item, negated: !item.negated }
}

function isEmpty(node: Node): boolean {
  return node.kind === 'empty'
}

/** What is left of `budget` after the counts of nested repetitions divided it; 0: they come to more. */
function nestedRepeats(node: Node, budget: number): number {
  switch (node.kind) {
    case 'empty':
    case 'character':
    case 'assertion':
      return budget
    case 'sequence':
    case 'choice':
      return node.nodes.reduce((least, inner) => Math.min(least, nestedRepeats(inner, budget)), budget)
    case 'repeat': {
      const count = node.max === Number.POSITIVE_INFINITY ? node.min : node.max
      return nestedRepeats(node.node, count > 1 ? Math.floor(budget / count) : budget)
    }
  }
}
