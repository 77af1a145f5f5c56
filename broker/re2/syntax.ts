import type { CharacterSet } from './character-set.ts'

/** What an expression means, once its text is understood. Groups leave no trace: nobody asks for submatches. */
export type Node =
  | { readonly kind: 'empty' }
  | { readonly kind: 'character'; readonly set: CharacterSet }
  | { readonly kind: 'assertion'; readonly at: Assertion }
  | { readonly kind: 'sequence'; readonly nodes: readonly Node[] }
  | { readonly kind: 'choice'; readonly nodes: readonly Node[] }
  /** `max` is Infinity where there is no bound. Both are at most 1000 otherwise. */
  | { readonly kind: 'repeat'; readonly node: Node; readonly min: number; readonly max: number }

/** Places between characters: they hold or not, and take nothing. */
export type Assertion = 'beginText' | 'endText' | 'beginLine' | 'endLine' | 'wordBoundary' | 'noWordBoundary'

/** Why a text is not an expression, in a sentence for whoever wrote it. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError'
}
