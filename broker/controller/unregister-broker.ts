import type { MetadataImage } from '../metadata/image.ts'
import type { Outcome, UnregisterBroker } from './controller-client.ts'
import type { Decision } from './decision.ts'

/** Forgets a broker that is away for good: no new replicas are placed on it, and it is not listed any more. */
export function unregisterBroker(image: MetadataImage, { brokerId }: UnregisterBroker): Decision<Outcome> {
  if (image.brokers.has(brokerId)) {
    const message = `Broker ${brokerId} is running. Stop it first: it would register again at once.`
    return { changes: [], result: { error: 'INVALID_REQUEST', message } }
  }
  if (!image.brokerStates.has(brokerId)) {
    const message = `Broker ${brokerId} is not registered.`
    return { changes: [], result: { error: 'BROKER_ID_NOT_REGISTERED', message } }
  }
  return {
    changes: [{ kind: 'brokerState', id: brokerId, state: null }],
    result: { error: 'NONE', message: null },
  }
}
