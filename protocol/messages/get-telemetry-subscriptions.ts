import { arrayOf, bool, int16, int32, int8, string, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Which metrics the broker wants from a client, and how often. */
export const getTelemetrySubscriptions = defineApi({
  key: 71,
  name: 'GetTelemetrySubscriptions',
  versions: '0',
  flexible: '0+',
  request: {
    clientInstanceId: uuid(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    acceptedCompressionTypes: arrayOf(int8()),
    pushIntervalMs: int32(),
    telemetryMaxBytes: int32(),
    deltaTemporality: bool(),
    requestedMetrics: arrayOf(string()),
  },
})
