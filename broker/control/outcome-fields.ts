import { error, field, optional, protoMessage, text } from './proto-fields.ts'

/** What every result begins with. */
export const outcome = { error: field(1, error), message: optional(2, text) } as const

export const plainOutcome = protoMessage('Outcome', outcome)
