// Thompson's construction: an expression as a list of instructions that a set of threads walks through together.

import type { CharacterSet } from './character-set.ts'
import { type Assertion, ExpressionError, type Node } from './syntax.ts'

export type Instruction =
  /** Takes one character of set number `set`, then goes on to the next instruction. */
  | { readonly kind: 'character'; readonly set: number }
  | { readonly kind: 'assertion'; readonly at: Assertion }
  | { readonly kind: 'jump'; to: number }
  /** Goes both ways. */
  | { readonly kind: 'split'; first: number; second: number }
  | { readonly kind: 'match' }

export interface Program {
  readonly instructions: readonly Instruction[]
  readonly sets: readonly CharacterSet[]
  /** Whether anything depends on what stands on both sides of a place. */
  readonly looksAround: boolean
}

/** Largest program: it bounds the work per character of a text, and the memory of every state. */
export const maxInstructions = 10_000

/** Throws ExpressionError when the expression is too large. */
export function compileProgram(node: Node): Program {
  const instructions: Instruction[] = []
  const sets: CharacterSet[] = []
  const setNumbers = new Map<string, number>()

  const add = (instruction: Instruction): number => {
    if (instructions.length >= maxInstructions)
      throw new ExpressionError(`the expression comes to more than ${maxInstructions} steps`)
    return instructions.push(instruction) - 1
  }

  const setNumber = (set: CharacterSet): number => {
    let number = setNumbers.get(set.signature)
    if (number === undefined) {
      number = sets.push(set) - 1
      setNumbers.set(set.signature, number)
    }
    return number
  }

  const emitRepeat = (inner: Node, min: number, max: number): void => {
    for (let copy = 0; copy < min; copy++) emit(inner)
    if (max === Number.POSITIVE_INFINITY) {
      const split = { kind: 'split' as const, first: 0, second: 0 }
      const at = add(split)
      split.first = instructions.length
      emit(inner)
      add({ kind: 'jump', to: at })
      split.second = instructions.length
      return
    }
    const exits: { second: number }[] = []
    for (let copy = min; copy < max; copy++) {
      const split = { kind: 'split' as const, first: 0, second: 0 }
      add(split)
      split.first = instructions.length
      emit(inner)
      exits.push(split)
    }
    for (const exit of exits) exit.second = instructions.length
  }

  const emitChoice = (nodes: readonly Node[]): void => {
    const ends: { to: number }[] = []
    nodes.forEach((inner, index) => {
      if (index === nodes.length - 1) {
        emit(inner)
        return
      }
      const split = { kind: 'split' as const, first: 0, second: 0 }
      add(split)
      split.first = instructions.length
      emit(inner)
      const jump = { kind: 'jump' as const, to: 0 }
      add(jump)
      ends.push(jump)
      split.second = instructions.length
    })
    for (const end of ends) end.to = instructions.length
  }

  const emit = (inner: Node): void => {
    switch (inner.kind) {
      case 'empty':
        return
      case 'character':
        add({ kind: 'character', set: setNumber(inner.set) })
        return
      case 'assertion':
        add({ kind: 'assertion', at: inner.at })
        return
      case 'sequence':
        for (const one of inner.nodes) emit(one)
        return
      case 'choice':
        emitChoice(inner.nodes)
        return
      case 'repeat':
        emitRepeat(inner.node, inner.min, inner.max)
    }
  }

  emit(node)
  // Room for the end is always left.
  instructions.push({ kind: 'match' })
  return { instructions, sets, looksAround: instructions.some(({ kind }) => kind === 'assertion') }
}
