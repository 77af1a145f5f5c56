/** What the API server refused, or why it could not be asked, and what is to be done about it. */

export interface ApiErrorDetails {
  readonly status: number
  readonly reason: string
  /** Asked for by the server. */
  readonly retryAfterMs?: number | undefined
  readonly cause?: unknown
}

/** The API server answered with a refusal; `status` 0: there was no answer. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly reason: string
  readonly retryAfterMs: number | undefined

  constructor(message: string, { status, reason, retryAfterMs, cause }: ApiErrorDetails) {
    super(message, cause === undefined ? undefined : { cause })
    this.status = status
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

/**
 * gone: what was asked for is no more, or the version is too old. conflict: somebody else wrote in between.
 * throttled: slower. unavailable: the server, or the way to it. refused: asking again the same way will not help.
 */
export type ErrorClass = 'gone' | 'notFound' | 'conflict' | 'throttled' | 'unavailable' | 'refused'

export function classOf(error: unknown): ErrorClass | undefined {
  if (!(error instanceof ApiError)) return undefined
  switch (error.status) {
    case 404:
      return 'notFound'
    case 409:
      return 'conflict'
    case 410:
      return 'gone'
    case 429:
      return 'throttled'
    default:
      if (isUndeclaredField(error)) return 'refused'
      return error.status === 0 || error.status >= 500 ? 'unavailable' : 'refused'
  }
}

/** An object with a field that its schema does not have, which the server answers with 500. */
function isUndeclaredField({ message }: ApiError): boolean {
  return message.startsWith('failed to create typed patch object')
}

/** How long to wait before another attempt, by class: a conflict is over at once, a refusal is not. */
export const firstDelayMs: Readonly<Record<ErrorClass, number>> = {
  conflict: 50,
  gone: 50,
  notFound: 200,
  throttled: 1000,
  unavailable: 500,
  refused: 5000,
}
