// Walks a program over a text: all threads together, one character at a time, so the time is at most the length of the
// text times the size of the program. Sets of threads met before are remembered as states with their moves (a
// deterministic automaton, made as it is needed), in bounded memory: when that is full, everything is forgotten.

import type { CharacterSet } from './character-set.ts'
import type { Program } from './program.ts'
import type { Assertion } from './syntax.ts'

/** A set of threads before the empty moves at its place are made: those depend on the next character. */
interface State {
  /** Ascending instruction numbers. */
  readonly threads: Uint16Array
  readonly before: Surroundings
  /** By class of the next character; the last one is the end of the text, which leads to `matched` or `dead`. */
  readonly moves: (State | undefined)[]
}

type Surroundings = typeof edge | typeof newline | typeof word | typeof other
const edge = 0
const newline = 1
const word = 2
const other = 3

/** Threads and moves remembered, about 4 bytes each. */
const maxRemembered = 250_000

export class Automaton {
  readonly #program: Program
  /** Class of every ASCII character; characters of one class are in the same sets. */
  readonly #asciiClass = new Uint8Array(128)
  readonly #classSurroundings: Surroundings[] = []
  readonly #endClass: number
  #states = new Map<string, State>()
  #remembered = 0
  readonly #dead: State
  readonly #matched: State
  /** Marks of instructions reached in the current move. */
  readonly #marks: Uint32Array
  #mark = 0

  constructor(program: Program) {
    this.#program = program
    this.#marks = new Uint32Array(program.instructions.length)
    const classes = new Map<string, number>()
    for (let codePoint = 0; codePoint < 128; codePoint++) {
      const around = this.#surroundings(codePoint)
      const key = `${around}${program.sets.map(set => (set.has(codePoint) ? '1' : '0')).join('')}`
      let number = classes.get(key)
      if (number === undefined) {
        number = classes.size
        classes.set(key, number)
        this.#classSurroundings.push(around)
      }
      this.#asciiClass[codePoint] = number
    }
    this.#endClass = classes.size
    this.#dead = { threads: new Uint16Array(), before: edge, moves: [] }
    this.#matched = { threads: new Uint16Array(), before: edge, moves: [] }
  }

  /** Whether the whole of `text` matches. */
  matches(text: string): boolean {
    let state = this.#start()
    for (let at = 0; at < text.length; at++) {
      let codePoint = text.charCodeAt(at)
      if (codePoint < 128) {
        const characterClass = this.#asciiClass[codePoint]!
        state =
          state.moves[characterClass] ??
          this.#remember(
            state,
            characterClass,
            this.#step(state, this.#classSurroundings[characterClass]!, codePoint),
          )
      } else {
        codePoint = text.codePointAt(at)!
        if (codePoint > 0xffff) at++
        state = this.#step(state, this.#surroundings(codePoint), codePoint)
      }
      if (state === this.#dead) return false
    }
    const end =
      state.moves[this.#endClass] ?? this.#remember(state, this.#endClass, this.#step(state, edge, undefined))
    return end === this.#matched
  }

  #start(): State {
    return this.#state([0], edge)
  }

  #remember(from: State, characterClass: number, to: State): State {
    from.moves[characterClass] = to
    return to
  }

  /** Makes the empty moves that hold here, then takes the character; undefined is the end of the text. */
  #step(state: State, after: Surroundings, codePoint: number | undefined): State {
    const { instructions, sets } = this.#program
    const reached: number[] = []
    const pending: number[] = Array.from(state.threads).reverse()
    const mark = this.#nextMark()
    while (pending.length > 0) {
      const at = pending.pop()!
      if (this.#marks[at] === mark) continue
      this.#marks[at] = mark
      const instruction = instructions[at]!
      switch (instruction.kind) {
        case 'jump':
          pending.push(instruction.to)
          break
        case 'split':
          pending.push(instruction.second, instruction.first)
          break
        case 'assertion':
          if (holds(instruction.at, state.before, after)) pending.push(at + 1)
          break
        case 'character':
          if (codePoint !== undefined && member(sets, instruction.set, codePoint)) reached.push(at + 1)
          break
        case 'match':
          if (codePoint === undefined) return this.#matched
      }
    }
    if (reached.length === 0) return this.#dead
    return this.#state(reached, after)
  }

  #state(reached: readonly number[], before: Surroundings): State {
    const threads = Uint16Array.from(reached).sort()
    const around = this.#program.looksAround ? before : other
    const key = `${around}:${threads.join(',')}`
    const known = this.#states.get(key)
    if (known !== undefined) return known
    this.#remembered += 2 * threads.length + this.#endClass + 16
    if (this.#remembered > maxRemembered) {
      this.#states = new Map()
      this.#remembered = 0
    }
    const state: State = { threads, before: around, moves: [] }
    this.#states.set(key, state)
    return state
  }

  #surroundings(codePoint: number): Surroundings {
    if (!this.#program.looksAround) return other
    if (codePoint === 10) return newline
    return isWord(codePoint) ? word : other
  }

  #nextMark(): number {
    if (this.#mark === 0xffff_ffff) {
      this.#marks.fill(0)
      this.#mark = 0
    }
    return ++this.#mark
  }
}

function member(sets: readonly CharacterSet[], number: number, codePoint: number): boolean {
  return sets[number]!.has(codePoint)
}

function holds(assertion: Assertion, before: Surroundings, after: Surroundings): boolean {
  switch (assertion) {
    case 'beginText':
      return before === edge
    case 'endText':
      return after === edge
    case 'beginLine':
      return before === edge || before === newline
    case 'endLine':
      return after === edge || after === newline
    case 'wordBoundary':
      return (before === word) !== (after === word)
    case 'noWordBoundary':
      return (before === word) === (after === word)
  }
}

function isWord(codePoint: number): boolean {
  return (
    (codePoint >= 0x30 && codePoint <= 0x39) ||
    (codePoint >= 0x41 && codePoint <= 0x5a) ||
    codePoint === 0x5f ||
    (codePoint >= 0x61 && codePoint <= 0x7a)
  )
}
