// Regular expressions as RE2 has them: no references back, no looking around, and time that grows with the length of
// the text alone. Clients may send any expression they like; JavaScript's own engine would let them stop the broker.

import { Automaton } from './automaton.ts'
import { parseExpression } from './parse.ts'
import { compileProgram } from './program.ts'
import { ExpressionError } from './syntax.ts'

export interface RegularExpression {
  /** As it was written. */
  readonly text: string
  /** Whether the whole of `subject` matches. At most (program's steps × length) work; remembers bounded state between calls. */
  matches(subject: string): boolean
}

export type CompiledExpression =
  | { readonly kind: 'compiled'; readonly expression: RegularExpression }
  /** `reason`: what is wrong with it, and where, without a capital or a full stop. */
  | { readonly kind: 'invalid'; readonly reason: string }

export function compileExpression(text: string): CompiledExpression {
  try {
    const automaton = new Automaton(compileProgram(parseExpression(text)))
    return {
      kind: 'compiled',
      expression: { text, matches: subject => automaton.matches(subject) },
    }
  } catch (error) {
    if (error instanceof ExpressionError) return { kind: 'invalid', reason: error.message }
    throw error
  }
}
