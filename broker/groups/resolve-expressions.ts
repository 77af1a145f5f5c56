import { compileExpression, type RegularExpression } from '../re2/regular-expression.ts'
import type { GroupTopics } from './group-topics.ts'
import type { Resolution } from './subscribed-expressions.ts'

/**
 * Looks for the topics of expressions a little at a time: expressions are whatever clients send, and topics may be many,
 * so the search must be able to let others go first. Internal topics are found too, when an expression means them.
 */
export class ExpressionSearch {
  readonly #topics: GroupTopics
  readonly #names: readonly string[]
  readonly #waiting: string[]
  readonly #found = new Map<string, readonly string[]>()
  #current: { readonly expression: RegularExpression; readonly matching: string[]; next: number } | undefined

  constructor(expressions: readonly string[], topics: GroupTopics) {
    this.#topics = topics
    this.#names = [...topics.names()]
    this.#waiting = [...expressions].reverse()
  }

  /** Goes on until everything is found (then what was found) or `enough` says so, asked after every name. */
  advance(enough: () => boolean): Resolution | undefined {
    for (;;) {
      this.#current ??= this.#begin()
      if (this.#current === undefined) return { revision: this.#topics.revision, topics: this.#found }
      const current = this.#current
      while (current.next < this.#names.length) {
        const name = this.#names[current.next++]!
        if (current.expression.matches(name)) current.matching.push(name)
        if (enough()) return undefined
      }
      this.#found.set(current.expression.text, current.matching)
      this.#current = undefined
    }
  }

  #begin() {
    const text = this.#waiting.pop()
    if (text === undefined) return undefined
    const compiled = compileExpression(text)
    // Members are not let in with one that is invalid; one from elsewhere has no topics.
    const expression = compiled.kind === 'compiled' ? compiled.expression : { text, matches: () => false }
    return { expression, matching: [], next: 0 }
  }
}
