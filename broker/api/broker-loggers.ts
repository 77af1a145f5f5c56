import type { ErrorName } from '../../protocol/index.ts'
import type { Logger } from '../../runtime/logger.ts'

/**
 * The log levels of this broker as the resource BROKER_LOGGER shows them: one logger, called root. A level set here
 * holds until the process ends.
 */
export class BrokerLoggers {
  readonly #brokerId: number
  readonly #logger: Logger
  readonly #startLevel: string

  constructor(brokerId: number, logger: Logger) {
    this.#brokerId = brokerId
    this.#logger = logger
    this.#startLevel = logger.level
  }

  get level(): string {
    return this.#logger.level.toUpperCase()
  }

  /** A sentence when `name` is not this broker. */
  findMistake(name: string): string | null {
    if (name === String(this.#brokerId)) return null
    return `Log levels are each broker's own: this is broker ${this.#brokerId}, not ${name === '' ? 'all of them' : name}.`
  }

  change(
    name: string,
    changes: readonly {
      readonly name: string
      readonly configOperation: number
      readonly value: string | null
    }[],
    validateOnly: boolean,
  ): { readonly error: ErrorName; readonly message: string | null } {
    const foreign = this.findMistake(name)
    if (foreign !== null) return { error: 'INVALID_REQUEST', message: foreign }
    let level = this.#logger.level
    for (const { name: logger, configOperation, value } of changes) {
      if (logger !== rootLogger) {
        return {
          error: 'INVALID_CONFIG',
          message: `There is no logger ${logger}; there is one, called ${rootLogger}.`,
        }
      }
      if (configOperation === deleteOperation) {
        level = this.#startLevel
        continue
      }
      const asked = value?.toLowerCase() ?? ''
      if (configOperation !== setOperation || !levels.includes(asked)) {
        const message = `A log level can be set to one of ${levels.join(', ').toUpperCase()}, or deleted.`
        return { error: 'INVALID_CONFIG', message }
      }
      level = asked
    }
    if (!validateOnly) this.#logger.level = level
    return { error: 'NONE', message: null }
  }
}

export const rootLogger = 'root'
const setOperation = 0
const deleteOperation = 1
const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace']
