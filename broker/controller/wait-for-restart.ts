import { backoffMs } from '../../runtime/backoff.ts'
import { type Clock, sleep } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { ControllerClient, RestartResult } from './controller-client.ts'

/** What is known of the broker that is to stop. */
export interface StoppingBroker {
  readonly image: MetadataImage
  /** Its lease is known to be valid. */
  readonly isRegistered: boolean
  /** The store did not answer the last time. */
  readonly isStoreAway: boolean
  readonly controller: Pick<ControllerClient, 'requestRestart'>
}

export interface WaitForRestartOptions {
  readonly brokerId: number
  /** Then it stops without a grant: whoever asked it to stop will not wait longer. */
  readonly withinMs: number
  /** Whether the whole cluster is being removed. */
  readonly isRemoved: () => Promise<boolean>
  /** After so long without an answer of any controller it does not wait for one any more. */
  readonly silenceMs: number
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** Others may not be restarted for so long at most when the broker does not come back. */
const grantMs = 300_000
const askMs = 5000
/** A store that is away for longer goes together with the brokers, or nobody could take over anyway. */
const storeAwayMs = 1500

/**
 * Before a broker stops that was asked to from outside (a drain, an eviction, a deleted pod), it asks for the grant that
 * planned restarts ask for, and goes on serving until it has it. One that was granted to somebody else for this broker
 * counts. It does not wait where that would help nobody: nobody else has what it has, the whole cluster is being removed, the
 * store is away, or it is not registered any more, so that others have taken over already.
 * Resolves to whether it may hand over what it leads: false when nobody stays who could take it, or learn of it.
 */
export async function waitForRestart(
  broker: StoppingBroker,
  options: WaitForRestartOptions,
): Promise<boolean> {
  const { brokerId, withinMs, silenceMs, isRemoved, clock, random, logger } = options
  const startedMs = clock.monotonicMs()
  let answeredMs = startedMs
  let storeAwaySinceMs: number | undefined
  let told = ''
  for (let attempt = 0; ; attempt++) {
    if (!broker.isRegistered || !isMissed(broker.image, brokerId)) return true
    storeAwaySinceMs = broker.isStoreAway ? (storeAwaySinceMs ?? clock.monotonicMs()) : undefined
    if (storeAwaySinceMs !== undefined && clock.monotonicMs() - storeAwaySinceMs >= storeAwayMs) {
      logger.warn(
        'The metadata store does not answer, so nobody can take over; this broker stops all the same.',
      )
      return false
    }
    if (await isRemoved()) {
      logger.info('The whole cluster is being removed, so this broker waits for nobody.')
      return false
    }
    const leftMs = startedMs + withinMs - clock.monotonicMs()
    const answer = await broker.controller.requestRestart({
      brokerId,
      durationMs: grantMs,
      holder: `broker ${brokerId}`,
      reason: 'it was asked to stop',
      timeoutMs: Math.max(1, Math.min(askMs, leftMs)),
    })
    if (answer.safe && answer.error === 'NONE') {
      const waitedMs = Math.round(clock.monotonicMs() - startedMs)
      logger.info({ grant: answer.grant?.holder, waitedMs }, 'This broker may be away now.')
      return true
    }
    const why = whyNot(answer)
    if (answer.error === 'NONE') answeredMs = clock.monotonicMs()
    if (clock.monotonicMs() - startedMs >= withinMs) {
      logger.warn(
        { withinMs, why },
        'This broker may not be away now; it has waited enough and stops all the same.',
      )
      return true
    }
    if (answer.error === 'UNSUPPORTED_VERSION' || clock.monotonicMs() - answeredMs >= silenceMs) {
      logger.warn({ why }, 'No controller says whether this broker may be away now; it stops all the same.')
      return true
    }
    if (why !== told) logger.info({ why }, 'This broker is to stop, and serves on until it may be away.')
    told = why
    await sleep(clock, backoffMs(attempt, { firstMs: 100, mostMs: 1000 }, random))
  }
}

/** Whether it has a replica that somebody else has too, who could take its place, now or when he is back. */
function isMissed(image: MetadataImage, brokerId: number): boolean {
  for (const { partitions } of image.topicsById.values()) {
    if (partitions.some(({ replicas }) => replicas.length > 1 && replicas.includes(brokerId))) return true
  }
  return false
}

function whyNot({ error, message, reasons }: RestartResult): string {
  return reasons.length > 0 ? reasons.map(reason => reason.message).join(' ') : (message ?? error)
}
