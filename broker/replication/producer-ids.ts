import type { ErrorName } from '../../protocol/index.ts'

/** A block of producer ids as the controller hands it out; on error `count` is 0. */
export interface ProducerIdBlock {
  readonly error: ErrorName
  readonly firstProducerId: number
  readonly count: number
}

/**
 * Hands out producer ids from blocks that the controller gives. A block belongs to one run of this broker: ids left
 * over at a stop are never used, so an id is never given out twice.
 */
export class ProducerIds {
  readonly #allocate: () => Promise<ProducerIdBlock>
  #next = 0
  #end = 0
  #asking: Promise<ErrorName> | undefined

  constructor(allocate: () => Promise<ProducerIdBlock>) {
    this.#allocate = allocate
  }

  async next(): Promise<{ readonly error: ErrorName; readonly producerId: number }> {
    while (this.#next >= this.#end) {
      this.#asking ??= this.#refill()
      const error = await this.#asking
      if (error !== 'NONE') return { error, producerId: -1 }
    }
    return { error: 'NONE', producerId: this.#next++ }
  }

  async #refill(): Promise<ErrorName> {
    try {
      const block = await this.#allocate()
      if (block.error !== 'NONE') return block.error
      this.#next = block.firstProducerId
      this.#end = block.firstProducerId + block.count
      return 'NONE'
    } finally {
      this.#asking = undefined
    }
  }
}
