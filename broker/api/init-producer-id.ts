import { errorCode, initProducerId } from '../../protocol/index.ts'
import type { ProducerIds } from '../replication/producer-ids.ts'
import { type ApiHandler, handler } from './handler.ts'

const noProducerId = -1
const noProducerEpoch = -1

/**
 * InitProducerId without a transactional id: a producer id that nobody had before, with epoch 0. A producer that
 * was fenced and asks with its old id (KIP-360) gets a new one too, as in Kafka.
 */
export function initProducerIdHandler(parts: { readonly producerIds: ProducerIds }): ApiHandler {
  return handler(initProducerId, {}, async request => {
    if (request.transactionalId !== null) {
      return { throttleTimeMs: 0, errorCode: errorCode('INVALID_REQUEST'), producerId: -1, producerEpoch: -1 }
    }
    if ((request.producerId === noProducerId) !== (request.producerEpoch === noProducerEpoch)) {
      return { throttleTimeMs: 0, errorCode: errorCode('INVALID_REQUEST'), producerId: -1, producerEpoch: -1 }
    }
    const result = await parts.producerIds.next()
    return {
      throttleTimeMs: 0,
      errorCode: errorCode(result.error),
      producerId: result.producerId,
      producerEpoch: result.error === 'NONE' ? 0 : -1,
    }
  })
}
