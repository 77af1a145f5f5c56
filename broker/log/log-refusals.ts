import type { AppendRefused } from './log-options.ts'

interface Named {
  readonly topic: string
  readonly partition: number
}

export function refuseClosed(log: Named): AppendRefused {
  return refuse(`The log of ${nameOf(log)} is closed.`)
}

/** `failure` has closed the log for good. */
export function refuseFailed(log: Named, failure: Error): AppendRefused {
  return refuse(`The log of ${nameOf(log)} cannot be written any more: ${failure.message}`)
}

/** The disk has room, but what is left is kept for other things than new records. */
export function refuseByReserve(log: Named): AppendRefused {
  return refuse(
    `The disk that holds ${nameOf(log)} is too full for new records; reading, deleting and retention go on.`,
  )
}

/** The disk has no room at all. */
export function refuseForRoom(log: Named, error: Error): AppendRefused {
  return refuse(`The disk that holds ${nameOf(log)} is full; reading and deleting go on. ${error.message}`)
}

function refuse(message: string): AppendRefused {
  return { kind: 'refused', error: 'KAFKA_STORAGE_ERROR', message }
}

function nameOf({ topic, partition }: Named): string {
  return `${topic}-${partition}`
}

/** Where an append was not written, one of the above says why. */
export function neverRefused(): never {
  throw new Error('An append that could not be written has a reason.')
}
