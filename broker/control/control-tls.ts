import { createSecureContext } from 'node:tls'
import * as grpc from '@grpc/grpc-js'
import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { BrokerSettings } from '../config/broker-settings.ts'

/** Certificates of the control service, as PEM. With `ca`, both sides check each other. */
export interface ControlTls {
  readonly certificate: Buffer
  readonly key: Buffer
  readonly ca: Buffer | null
}

type FileSetting = 'control.tls.certificate.file' | 'control.tls.key.file' | 'control.tls.ca.file'

/** How often the files are looked at, when somebody needs them. */
const lookAgainMs = 10_000

/**
 * The certificates in the files that the settings name. Files that were replaced are taken up for new connections;
 * ones that make no sense (half written, a key of another certificate) are told, and those from before stay.
 */
export class ControlCertificates {
  readonly #options: ControlCertificatesOptions
  #current: ControlTls | null
  #lookedAtMs: number
  #told: string | undefined

  /** Throws a sentence when the files are not there or make no sense. */
  constructor(options: ControlCertificatesOptions) {
    this.#options = options
    this.#current = this.#read()
    this.#lookedAtMs = options.clock.monotonicMs()
  }

  /** Null when there are none; another object when the files hold something else. */
  get current(): ControlTls | null {
    const { clock, logger } = this.#options
    if (this.#current === null || clock.monotonicMs() - this.#lookedAtMs < lookAgainMs) return this.#current
    this.#lookedAtMs = clock.monotonicMs()
    try {
      const found = this.#read()
      this.#told = undefined
      if (found !== null && !isSame(found, this.#current)) {
        this.#current = found
        logger.info('The control service has new certificates.')
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (reason !== this.#told)
        logger.warn({ reason }, 'The control service keeps its certificates: the new ones cannot be used.')
      this.#told = reason
    }
    return this.#current
  }

  #read(): ControlTls | null {
    const { settings } = this.#options
    const certificate = this.#file('control.tls.certificate.file')
    const key = this.#file('control.tls.key.file')
    if (certificate === null || key === null) return null
    const ca = this.#file('control.tls.ca.file')
    try {
      createSecureContext({ cert: certificate, key, ...(ca === null ? {} : { ca }) })
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new Error(
        `control.tls.certificate.file: ${settings['control.tls.certificate.file']} and its key cannot be used: ${why}`,
        { cause: error },
      )
    }
    return { certificate, key, ca }
  }

  #file(name: FileSetting): Buffer | null {
    const path = this.#options.settings[name]
    if (path === null) return null
    const content = this.#options.readFile(path)
    if (content === undefined) throw new Error(`${name}: there is no file ${path}.`)
    return content
  }
}

export interface ControlCertificatesOptions {
  readonly settings: Pick<BrokerSettings, FileSetting>
  /** Undefined when there is no such file. */
  readonly readFile: (path: string) => Buffer | undefined
  readonly clock: Clock
  readonly logger: Logger
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

function isSame(one: ControlTls, other: ControlTls): boolean {
  const isSameCa = one.ca === null ? other.ca === null : other.ca !== null && one.ca.equals(other.ca)
  return isSameCa && one.certificate.equals(other.certificate) && one.key.equals(other.key)
}
