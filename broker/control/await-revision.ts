import type { Clock } from '../../runtime/clock.ts'
import type { ImageFollower } from '../metadata/image-follower.ts'
import type { ControlHandler } from './control-server.ts'
import { decodeProto, encodeProto } from './proto-codec.ts'
import { field, int32, int64, protoMessage } from './proto-fields.ts'

/** The controller asks a broker to answer once it has carried out what the metadata said at a revision. */

const request = protoMessage('AwaitRevisionRequest', {
  revision: field(1, int64),
  /** It answers then at the latest, ms. */
  timeoutMs: field(2, int32),
})

const response = protoMessage('AwaitRevisionResponse', {
  /** Of the broker's own image; less than what was asked for when it was too late. */
  revision: field(1, int64),
})

export const awaitRevisionMethod = { name: 'AwaitRevision', request, response } as const

const longestWaitMs = 10_000

export function awaitRevisionHandler(
  images: Pick<ImageFollower, 'image' | 'waitForRevision'>,
  clock: Clock,
): ControlHandler {
  return async bytes => {
    const { revision, timeoutMs } = decodeProto(request, bytes)
    const abort = new AbortController()
    const timer = clock.after(Math.min(Math.max(timeoutMs, 0), longestWaitMs), () => abort.abort())
    try {
      await images.waitForRevision(revision, abort.signal)
    } catch {
      // Whoever asks sees it by the revision.
    } finally {
      timer.cancel()
    }
    return encodeProto(response, { revision: images.image.revision })
  }
}

export function encodeRevisionAsked(revision: number, timeoutMs: number): Buffer {
  return encodeProto(request, { revision, timeoutMs })
}

/** Throws MalformedMessage. */
export function decodeRevisionReached(bytes: Buffer): number {
  return decodeProto(response, bytes).revision
}
