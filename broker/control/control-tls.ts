import * as grpc from '@grpc/grpc-js'
import type { BrokerSettings } from '../config/broker-settings.ts'

/** Certificates of the control service, as PEM. With `ca`, both sides check each other. */
export interface ControlTls {
  readonly certificate: Buffer
  readonly key: Buffer
  readonly ca: Buffer | null
}

/** Null when none are set. Throws a sentence when a file is not there; that all or none are set was checked before. */
export function readControlTls(
  settings: BrokerSettings,
  readFile: (path: string) => Buffer | undefined,
): ControlTls | null {
  const read = (
    name: 'control.tls.certificate.file' | 'control.tls.key.file' | 'control.tls.ca.file',
  ): Buffer | null => {
    const path = settings[name]
    if (path === null) return null
    const content = readFile(path)
    if (content === undefined) throw new Error(`${name}: there is no file ${path}.`)
    return content
  }
  const certificate = read('control.tls.certificate.file')
  const key = read('control.tls.key.file')
  return certificate === null || key === null ? null : { certificate, key, ca: read('control.tls.ca.file') }
}

export function serverCredentials(tls: ControlTls | null): grpc.ServerCredentials {
  if (tls === null) return grpc.ServerCredentials.createInsecure()
  const pair = { private_key: tls.key, cert_chain: tls.certificate }
  return grpc.ServerCredentials.createSsl(tls.ca, [pair], tls.ca !== null)
}

/** Towards a server with TLS; without certificates of our own only the server is checked, against known authorities. */
export function channelCredentials(tls: ControlTls | null): grpc.ChannelCredentials {
  if (tls === null) return grpc.credentials.createSsl()
  return grpc.credentials.createSsl(tls.ca, tls.key, tls.certificate)
}
