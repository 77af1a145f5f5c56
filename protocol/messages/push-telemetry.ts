import { bool, bytes, int16, int32, int8, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Metrics of a client, in OpenTelemetry's format, possibly compressed. */
export const pushTelemetry = defineApi({
  key: 72,
  name: 'PushTelemetry',
  versions: '0',
  flexible: '0+',
  request: {
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    terminating: bool(),
    compressionType: int8(),
    metrics: bytes(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
  },
})
