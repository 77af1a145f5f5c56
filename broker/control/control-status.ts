/** The few of gRPC's status codes that this service answers with, and what each says of it. */
export const controlStatus = {
  /** The request makes no sense. Nothing was done. */
  invalidArgument: 3,
  /** This broker is not the controller in the epoch that the request names, and did nothing. */
  failedPrecondition: 9,
  /** This release does not know the method or the command. Nothing was done. */
  unimplemented: 12,
  /** It failed in a way nobody thought of; the broker's log says more. What was done is not known. */
  internal: 13,
} as const

/** Thrown by a method of the service: the caller gets the status and the sentence. */
export class ControlRefusal extends Error {
  override readonly name = 'ControlRefusal'
  readonly status: number

  constructor(status: keyof typeof controlStatus, sentence: string) {
    super(sentence)
    this.status = controlStatus[status]
  }
}
