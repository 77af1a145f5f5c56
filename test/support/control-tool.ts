import * as grpc from '@grpc/grpc-js'
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader'
import { join } from 'node:path'

const protoFile = join(import.meta.dirname, '../../broker/control/control.proto')

type Answer = Readonly<Record<string, unknown>>

/** Calls methods of a broker's control service as another program would: by the .proto file alone. */
export function controlTool(
  port: number,
  credentials: grpc.ChannelCredentials = grpc.credentials.createInsecure(),
  withinMs = 10_000,
): (method: string, request: object) => Promise<Answer> {
  const definition = loadSync(protoFile, { longs: Number, defaults: true })
  const service = definition['barnabas.control.v1.Control'] as ServiceDefinition
  const client = new grpc.Client(`127.0.0.1:${port}`, credentials)
  return (name, request) => {
    const method = service[name]
    if (method === undefined) throw new Error(`control.proto has no method ${name}.`)
    const deadline = Date.now() + withinMs
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        bytes => method.responseDeserialize(bytes) as Answer,
        request,
        { deadline },
        (error, answer) => {
          if (error === null && answer !== undefined) resolve(answer)
          else reject(error ?? new Error('There is no answer.'))
        },
      )
    })
  }
}
