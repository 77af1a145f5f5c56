import * as grpc from '@grpc/grpc-js'
import { type Clock, every } from '../../runtime/clock.ts'
import { pathOf } from './control-api.ts'
import { asBytes } from './control-server.ts'
import { decodeProto, encodeProto } from './proto-codec.ts'
import { field, int32, protoMessage, text } from './proto-fields.ts'
import { MalformedMessage } from './proto-reader.ts'

/** grpc.health.v1, which every gRPC client and Kubernetes' own probe know. */

const healthCheckRequest = protoMessage('HealthCheckRequest', { service: field(1, text) })
const healthCheckResponse = protoMessage('HealthCheckResponse', { status: field(1, int32) })

const serving = 1
const notServing = 2
const serviceUnknown = 3

/** Streams that are open at once. */
const mostWatches = 64
const watchPeriodMs = 500

const methods: grpc.ServiceDefinition = {
  Check: { path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false, ...asBytes },
  Watch: { path: '/grpc.health.v1.Health/Watch', requestStream: false, responseStream: true, ...asBytes },
}

/** Tells of the whole server ('') and of the control service: both serve when the broker is ready for clients. */
export function healthService(options: { readonly isReady: () => boolean; readonly clock: Clock }): {
  readonly methods: grpc.ServiceDefinition
  readonly implementation: grpc.UntypedServiceImplementation
} {
  const { isReady, clock } = options
  const controlService = pathOf('').slice(1, -1)
  const statusOf = (service: string): number => {
    if (service !== '' && service !== controlService) return serviceUnknown
    return isReady() ? serving : notServing
  }
  let watches = 0

  const check: grpc.handleUnaryCall<Buffer, Buffer> = (call, answer) => {
    const service = readService(call.request)
    if (service === undefined) return answer(malformed)
    const status = statusOf(service)
    if (status === serviceUnknown)
      return answer({ code: grpc.status.NOT_FOUND, details: `There is no service ${service} here.` })
    answer(null, encodeProto(healthCheckResponse, { status }))
  }

  const watch: grpc.handleServerStreamingCall<Buffer, Buffer> = call => {
    const service = readService(call.request)
    if (service === undefined || watches >= mostWatches) {
      call.emit('error', service === undefined ? malformed : tooManyWatches)
      return
    }
    watches++
    let told: number | undefined
    const tell = (): void => {
      const status = statusOf(service)
      if (status === told) return
      told = status
      call.write(encodeProto(healthCheckResponse, { status }))
    }
    tell()
    const timer = every(clock, watchPeriodMs, tell)
    call.on('close', () => {
      timer.cancel()
      watches--
    })
    call.on('cancelled', () => call.end())
  }

  return { methods, implementation: { Check: check, Watch: watch } }
}

const malformed = { code: grpc.status.INVALID_ARGUMENT, details: 'The request is no HealthCheckRequest.' }
const tooManyWatches = {
  code: grpc.status.RESOURCE_EXHAUSTED,
  details: `At most ${mostWatches} streams watch the health at once.`,
}

function readService(bytes: Buffer): string | undefined {
  try {
    return decodeProto(healthCheckRequest, bytes).service
  } catch (error) {
    if (error instanceof MalformedMessage) return undefined
    throw error
  }
}
