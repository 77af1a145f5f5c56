/**
 * Every write that the operator sends comes through here, by whichever door: it is told, let pass, or the last that the
 * operator does. Leader leases and questions are no writes.
 */

/** Undisturbed: all pass. */
export type KillPlan =
  | { readonly kind: 'never' }
  /**
   * After each kind of write to each object, so many times: in turn when the write is done and its answer has not come
   * back, and before it is sent on. Every operator but the last so lives for a write or two.
   */
  | { readonly kind: 'each'; readonly times: number }
  /** Before every `stride`th write, the first being number `first`: in between operators work undisturbed. */
  | { readonly kind: 'strides'; readonly first: number; readonly stride: number }

export class Gate {
  readonly #told: (write: string) => void
  readonly #kill: (write: string, when: 'before' | 'after') => void
  readonly #counts = new Map<string, number>()
  #plan: KillPlan = { kind: 'never' }
  #writes = 0
  #isDying = false

  constructor(parts: {
    readonly told: (write: string) => void
    /** Ends the operator; `revived` is called when another one starts. */
    readonly kill: (write: string, when: 'before' | 'after') => void
  }) {
    this.#told = parts.told
    this.#kill = parts.kill
  }

  follow(plan: KillPlan): void {
    this.#plan = plan
    this.#counts.clear()
    this.#writes = 0
  }

  revived(): void {
    this.#isDying = false
  }

  /** What `forward` brings; never resolves for an operator that is dead. */
  async pass<Answer>(write: string, forward: () => Promise<Answer>): Promise<Answer> {
    if (this.#isDying) return never()
    this.#told(write)
    const when = this.#decide(write)
    if (when === 'before') {
      this.#end(write, when)
      return never()
    }
    const answer = await forward()
    if (when === 'after') this.#end(write, when)
    return when === 'after' || this.#isDying ? never() : answer
  }

  #end(write: string, when: 'before' | 'after'): void {
    if (this.#isDying) return
    this.#isDying = true
    this.#kill(write, when)
  }

  #decide(write: string): 'before' | 'after' | 'not' {
    const before = this.#counts.get(write) ?? 0
    this.#counts.set(write, before + 1)
    this.#writes += 1
    const plan = this.#plan
    switch (plan.kind) {
      case 'never':
        return 'not'
      case 'each':
        return before >= plan.times ? 'not' : before % 2 === 0 ? 'after' : 'before'
      case 'strides':
        return this.#writes >= plan.first && (this.#writes - plan.first) % plan.stride === 0
          ? 'before'
          : 'not'
    }
  }
}

function never<Answer>(): Promise<Answer> {
  return new Promise(() => {})
}
