import type { ErrorName } from '../../protocol/index.ts'
import { backoffMs } from '../../runtime/backoff.ts'
import { type Clock, sleep } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import type { ControllerClient, Outcome } from '../controller/controller-client.ts'
import {
  type CommandName,
  type CommandOf,
  controllerClient,
  controllerCommands,
  isUntouched,
  refuseCommand,
  type ResultOf,
  runCommand,
} from '../controller/controller-commands.ts'
import type { ControlAddress, MetadataImage } from '../metadata/image.ts'
import type { ImageFollower } from '../metadata/image-follower.ts'
import { commandMessages } from './command-messages.ts'
import { decodeAnswer, encodeCommand } from './control-api.ts'
import { controlStatus } from './control-status.ts'
import type { CallOutcome } from './control-client.ts'

/**
 * The controller, wherever it is: commands go to this very process while it is the controller, else over gRPC to the
 * broker that is it in the image. When the controller moves or cannot be reached, they are sent again until the
 * caller's time is over; one of which it is not known whether it was carried out only where that does no harm, or when
 * the image of a later controller shows that it was not.
 *
 * An answer is given once this broker's own image shows what was done.
 */
export function forwardingController(options: ForwardingControllerOptions): ControllerClient {
  return controllerClient((name, command) => new Forwarding(options, name, command).run())
}

export interface ForwardingControllerOptions {
  readonly brokerId: number
  readonly images: Pick<ImageFollower, 'image' | 'onChange' | 'waitForRevision'>
  /** The controller in this process; its items say NOT_CONTROLLER while there is none. */
  readonly local: ControllerClient
  readonly call: (
    address: ControlAddress,
    method: string,
    request: Buffer,
    withinMs: number,
    signal: AbortSignal,
  ) => Promise<CallOutcome>
  readonly mostRequestBytes: number
  readonly clock: Clock
  readonly random: Random
}

/** What one attempt came to. `retry`: nothing was done, or doing it again does no harm. */
type Attempt<Result> =
  | { readonly kind: 'answered'; readonly result: Result; readonly revision: number }
  | { readonly kind: 'refused'; readonly error: ErrorName; readonly message: string }
  | { readonly kind: 'retry'; readonly error: ErrorName; readonly message: string }
  /** It is not known whether it was done. */
  | { readonly kind: 'lost'; readonly error: ErrorName; readonly message: string }

interface Target {
  readonly brokerId: number
  readonly epoch: number
  readonly address: ControlAddress
}

/** Less than this is not worth a call. */
const leastCallMs = 5

/** How long a command whose answer was lost may wait for another controller. */
const longestReadBackMs = 20_000

/** How long an answer may wait for the own image. */
const longestImageWaitMs = 2000

/** One command on its way. */
class Forwarding<Name extends CommandName> {
  readonly #options: ForwardingControllerOptions
  readonly #name: Name
  readonly #command: CommandOf<Name>
  readonly #deadlineMs: number

  constructor(options: ForwardingControllerOptions, name: Name, command: CommandOf<Name>) {
    this.#options = options
    this.#name = name
    this.#command = command
    this.#deadlineMs = options.clock.monotonicMs() + command.timeoutMs
  }

  async run(): Promise<ResultOf<Name>> {
    const { clock, random, images } = this.#options
    for (let attempt = 0; ; attempt++) {
      const { image } = images
      const outcome = await this.#attempt(image)
      if (outcome.kind === 'answered') {
        await this.#untilImageAt(outcome.revision)
        return outcome.result
      }
      const hasMoved = images.image.controller?.epoch !== image.controller?.epoch
      if (outcome.kind === 'retry' && !hasMoved) {
        const pauseMs = Math.min(this.#leftMs(), backoffMs(attempt, { firstMs: 50, mostMs: 1000 }, random))
        await this.#whileControllerIs(image, signal => sleep(clock, pauseMs, signal).catch(() => undefined))
      }
      if (outcome.kind === 'lost' && (await this.#isUndone(image))) continue
      if (outcome.kind !== 'retry' || this.#leftMs() <= leastCallMs) {
        return refuseCommand(this.#name, this.#command, outcome.error, outcome.message)
      }
    }
  }

  async #attempt(image: MetadataImage): Promise<Attempt<ResultOf<Name>>> {
    if (image.controller?.id === this.#options.brokerId) return this.#runHere()
    const target = findTarget(image)
    if (typeof target === 'string') return { kind: 'retry', error: 'NOT_CONTROLLER', message: target }
    if (this.#leftMs() <= leastCallMs) {
      const message = `There was no time left to ask the controller, broker ${target.brokerId}.`
      return { kind: 'refused', error: 'REQUEST_TIMED_OUT', message }
    }
    const request = this.#encode(target)
    const { mostRequestBytes, call } = this.#options
    if (request.length > mostRequestBytes) {
      const message = `The request takes ${request.length} bytes on its way to the controller, of ${mostRequestBytes} allowed; send it in parts.`
      return { kind: 'refused', error: 'INVALID_REQUEST', message }
    }
    const { method } = commandMessages[this.#name]
    const outcome = await this.#whileControllerIs(image, signal =>
      call(target.address, method, request, this.#leftMs(), signal),
    )
    return this.#judge(outcome, target)
  }

  async #runHere(): Promise<Attempt<ResultOf<Name>>> {
    const command = { ...this.#command, timeoutMs: Math.max(0, Math.round(this.#leftMs())) }
    const result = await runCommand(this.#options.local, this.#name, command)
    return notController(result) ?? { kind: 'answered', result, revision: 0 }
  }

  /** The controller answers a little before we give up, so that its word is heard. */
  #encode({ epoch }: Target): Buffer {
    const leftMs = this.#leftMs()
    return encodeCommand(this.#name, this.#command, {
      principal: this.#command.principal ?? '',
      controllerEpoch: epoch,
      timeoutMs: Math.max(1, Math.floor(leftMs - Math.min(500, leftMs / 10))),
    })
  }

  #judge(outcome: CallOutcome, { brokerId }: Target): Attempt<ResultOf<Name>> {
    switch (outcome.kind) {
      case 'answered':
        return this.#read(outcome.bytes, brokerId)
      case 'unreachable': {
        const message = `The controller, broker ${brokerId}, cannot be reached: ${outcome.reason}.`
        return { kind: 'retry', error: 'NOT_CONTROLLER', message }
      }
      case 'refused':
        return refusal(outcome.status, outcome.reason, brokerId)
      case 'lost':
        return this.#lost(brokerId, outcome.reason)
    }
  }

  #read(bytes: Buffer, brokerId: number): Attempt<ResultOf<Name>> {
    try {
      const answer = decodeAnswer(this.#name, bytes)
      if (answer !== undefined) return notController(answer.result) ?? { kind: 'answered', ...answer }
    } catch (error) {
      return this.#lost(brokerId, error instanceof Error ? error.message : String(error))
    }
    return this.#lost(brokerId, 'it is an answer to something else')
  }

  #lost(brokerId: number, reason: string): Attempt<ResultOf<Name>> {
    const isRepeatable =
      controllerCommands[this.#name].isRepeatable ||
      ('validateOnly' in this.#command && this.#command.validateOnly)
    const message = `The answer of the controller, broker ${brokerId}, was lost (${reason}); it may have done what was asked.`
    return { kind: isRepeatable ? 'retry' : 'lost', error: 'REQUEST_TIMED_OUT', message }
  }

  /**
   * Whether the controller that was asked is one no more, so that it can commit nothing any more, and what it committed
   * is in the image: if that shows nothing of the command, nothing was done.
   */
  async #isUndone(before: MetadataImage): Promise<boolean> {
    const { images, clock } = this.#options
    const hasMoved = (): boolean => images.image.controller?.epoch !== before.controller?.epoch
    if (!hasMoved()) {
      const waitMs = Math.max(0, Math.min(longestReadBackMs, this.#leftMs()))
      await this.#whileControllerIs(before, signal => sleep(clock, waitMs, signal).catch(() => undefined))
    }
    return (
      hasMoved() &&
      this.#leftMs() > leastCallMs &&
      isUntouched(this.#name, before, images.image, this.#command)
    )
  }

  async #untilImageAt(revision: number): Promise<void> {
    const { images, clock } = this.#options
    if (images.image.revision >= revision) return
    const abort = new AbortController()
    const waitMs = Math.min(longestImageWaitMs, Math.max(0, this.#leftMs()))
    const timer = clock.after(waitMs, () => abort.abort(new Error('The image did not catch up.')))
    // The answer stands all the same; the image follows.
    await images.waitForRevision(revision, abort.signal).catch(() => undefined)
    timer.cancel()
  }

  /** The signal is aborted when another epoch of the controller begins. */
  async #whileControllerIs<T>(image: MetadataImage, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { images } = this.#options
    const abort = new AbortController()
    const unsubscribe = images.onChange(next => {
      if (next.controller?.epoch !== image.controller?.epoch) abort.abort()
    })
    try {
      return await run(abort.signal)
    } finally {
      unsubscribe()
    }
  }

  #leftMs(): number {
    return this.#deadlineMs - this.#options.clock.monotonicMs()
  }
}

/** A sentence when there is nobody to ask. */
function findTarget(image: MetadataImage): Target | string {
  const { controller } = image
  if (controller === null) return 'There is no active controller.'
  const address = image.brokers.get(controller.id)?.control ?? null
  if (address === null)
    return `The controller, broker ${controller.id}, tells no address of its control service.`
  return { brokerId: controller.id, epoch: controller.epoch, address }
}

/** When every item says that it is no longer the controller: then nothing was done. */
function notController(result: Outcome | readonly Outcome[]): Attempt<never> | undefined {
  const outcomes: readonly Outcome[] = Array.isArray(result) ? result : [result]
  const [first] = outcomes
  if (first === undefined || outcomes.some(({ error }) => error !== 'NOT_CONTROLLER')) return undefined
  return { kind: 'retry', error: 'NOT_CONTROLLER', message: first.message ?? 'The controller has moved.' }
}

function refusal(status: number, reason: string, brokerId: number): Attempt<never> {
  switch (status) {
    case controlStatus.failedPrecondition:
      return { kind: 'retry', error: 'NOT_CONTROLLER', message: reason }
    case controlStatus.unimplemented: {
      const message = `The controller, broker ${brokerId}, runs a release that cannot do this yet (${reason}); finish the upgrade of all brokers.`
      return { kind: 'refused', error: 'UNSUPPORTED_VERSION', message }
    }
    default: {
      const message = `The controller, broker ${brokerId}, did not understand the request: ${reason}`
      return { kind: 'refused', error: 'UNKNOWN_SERVER_ERROR', message }
    }
  }
}
