import { errorCode, unregisterBroker } from '../../protocol/index.ts'
import type { ControllerClient } from '../controller/controller-client.ts'
import { type ApiHandler, handler } from './handler.ts'

/** UnregisterBroker: forgets a broker that was stopped for good. */
export function unregisterBrokerHandler(parts: {
  readonly controller: ControllerClient
  /** How long the controller may take: the request names no time. */
  readonly timeoutMs: number
}): ApiHandler {
  return handler(unregisterBroker, {}, async ({ brokerId }) => {
    const { error, message } = await parts.controller.unregisterBroker({
      brokerId,
      timeoutMs: parts.timeoutMs,
    })
    return { throttleTimeMs: 0, errorCode: errorCode(error), errorMessage: message }
  })
}
