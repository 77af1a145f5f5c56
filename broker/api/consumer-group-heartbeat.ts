import { consumerGroupHeartbeat } from '../../protocol/index.ts'
import type { ConsumerGroups } from '../groups/consumer-groups.ts'
import { type ApiHandler, handler, LateAnswer } from './handler.ts'
import type { ResponseOf } from './response-of.ts'

/** ConsumerGroupHeartbeat: a member of a consumer group joins, stays, reports or leaves. */
export function consumerGroupHeartbeatHandler(parts: {
  readonly consumerGroups: ConsumerGroups
}): ApiHandler {
  return handler(consumerGroupHeartbeat, {}, (request, { apiVersion, clientId, clientAddress }) => {
    const late = new LateAnswer<ResponseOf<typeof consumerGroupHeartbeat>>()
    const client = { clientId: clientId ?? '', clientHost: `/${clientAddress}` }
    parts.consumerGroups.heartbeat(request, apiVersion, client, response => late.answer(response))
    return late
  })
}
