import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import * as grpc from '@grpc/grpc-js'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ControlConnections } from '../../../broker/control/control-client.ts'
import { ControlServer } from '../../../broker/control/control-server.ts'
import { ControlCertificates, type ControlTls } from '../../../broker/control/control-tls.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { type Certificates, makeCertificates } from '../../support/certificates.ts'
import { controlTool } from '../../support/control-tool.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { recordingLogger } from '../../support/recording-logger.ts'
import { createTopic } from '../../support/requests.ts'
import { RunningCluster } from '../../support/running-cluster.ts'

let directory: string
let ours: Certificates
/** Of another authority. */
let theirs: Certificates

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'barnabas-tls-'))
  for (const name of ['ours', 'theirs']) mkdirSync(join(directory, name))
  ours = await makeCertificates(join(directory, 'ours'))
  theirs = await makeCertificates(join(directory, 'theirs'))
})

afterAll(() => rmSync(directory, { recursive: true, force: true }))

function tlsOf({ server, ca }: Certificates): ControlTls {
  return {
    certificate: readFileSync(server.certificate),
    key: readFileSync(server.key),
    ca: readFileSync(ca),
  }
}

function credentialsOf({ ca, client }: Certificates): grpc.ChannelCredentials {
  return grpc.credentials.createSsl(
    readFileSync(ca),
    readFileSync(client.key),
    readFileSync(client.certificate),
  )
}

describe('a cluster with mutual TLS', () => {
  let cluster: RunningCluster

  beforeEach(async () => {
    cluster = await RunningCluster.start([1, 2], {
      'control.listeners': 'https://127.0.0.1:0',
      'control.tls.certificate.file': ours.server.certificate,
      'control.tls.key.file': ours.server.key,
      'control.tls.ca.file': ours.ca,
    })
  })

  afterEach(() => cluster.remove())

  test('forwards admin requests', async () => {
    const client = await cluster.broker(2).connect()
    expect(await createTopic(client, 'orders')).toMatchObject({ error: 'NONE' })
  })

  test('answers whoever has a certificate of its authority, and nobody else', async () => {
    const port = cluster.broker(1).broker.controlPort
    expect(await controlTool(port, credentialsOf(ours))('BrokerStatus', {})).toMatchObject({ brokerId: 1 })
    const strangers = {
      'a certificate of another authority': grpc.credentials.createSsl(
        readFileSync(ours.ca),
        readFileSync(theirs.client.key),
        readFileSync(theirs.client.certificate),
      ),
      'no certificate': grpc.credentials.createSsl(readFileSync(ours.ca)),
      'no TLS': grpc.credentials.createInsecure(),
    }
    for (const [what, credentials] of Object.entries(strangers)) {
      await expect(controlTool(port, credentials, 1000)('BrokerStatus', {}), what).rejects.toThrow()
    }
  })
})

describe('a server', () => {
  test('shows new certificates to new connections', async () => {
    let certificates = tlsOf(ours)
    const server = await ControlServer.open({
      host: '127.0.0.1',
      port: 0,
      tls: () => certificates,
      clock: systemClock,
      logger: silentLogger,
      handlers: new Map([['Echo', bytes => Promise.resolve(bytes)]]),
    })
    const connections = new ControlConnections({ tls: () => certificates, clock: systemClock })
    const call = async (): Promise<string> => {
      const address = { host: '127.0.0.1', port: server.port, tls: true }
      const { signal } = new AbortController()
      return (await connections.call(address, 'Echo', Buffer.from('x'), 5000, signal)).kind
    }
    expect(await call()).toBe('answered')
    const first = await shownCertificate(server.port)
    certificates = tlsOf(theirs)
    const second = await shownCertificate(server.port)
    expect(second.equals(first)).toBe(false)
    expect(await call()).toBe('answered')
    connections.close()
    await server.stop()
  })
})

describe('certificates in files', () => {
  const files = (): Record<'certificate' | 'key' | 'ca', string> => ({
    certificate: join(directory, 'certificate.pem'),
    key: join(directory, 'key.pem'),
    ca: join(directory, 'authority.pem'),
  })

  function put({ server, ca }: Certificates): void {
    copyFileSync(server.certificate, files().certificate)
    copyFileSync(server.key, files().key)
    copyFileSync(ca, files().ca)
  }

  function open(clock: FakeClock): { certificates: ControlCertificates; lines: Record<string, unknown>[] } {
    const { logger, lines } = recordingLogger()
    const { certificate, key, ca } = files()
    const certificates = new ControlCertificates({
      settings: {
        'control.tls.certificate.file': certificate,
        'control.tls.key.file': key,
        'control.tls.ca.file': ca,
      },
      readFile: path => readFileSync(path),
      clock,
      logger,
    })
    return { certificates, lines }
  }

  test('that are replaced are taken up after a while', () => {
    put(ours)
    const clock = new FakeClock()
    const { certificates, lines } = open(clock)
    const before = certificates.current
    clock.advance(11_000)
    expect(certificates.current).toBe(before)
    put(theirs)
    expect(certificates.current).toBe(before)
    clock.advance(11_000)
    expect(certificates.current).toEqual(tlsOf(theirs))
    expect(lines).toMatchObject([{ level: 'info', msg: 'The control service has new certificates.' }])
  })

  test('that make no sense are told once, and those from before stay', () => {
    put(ours)
    const clock = new FakeClock()
    const { certificates, lines } = open(clock)
    const before = certificates.current
    copyFileSync(theirs.server.key, files().key)
    for (let look = 0; look < 3; look++) {
      clock.advance(11_000)
      expect(certificates.current).toBe(before)
    }
    expect(lines).toMatchObject([{ level: 'warn', reason: expect.stringContaining('cannot be used') }])
    put(theirs)
    clock.advance(11_000)
    expect(certificates.current).toEqual(tlsOf(theirs))
  })

  test('that are missing or nonsense at the start are refused', () => {
    put(ours)
    writeFileSync(files().certificate, 'nonsense')
    expect(() => open(new FakeClock())).toThrow(/control\.tls\.certificate\.file: .* cannot be used/)
    const settings = {
      'control.tls.certificate.file': '/no/such.pem',
      'control.tls.key.file': files().key,
      'control.tls.ca.file': null,
    }
    const options = { settings, readFile: () => undefined, clock: new FakeClock(), logger: silentLogger }
    expect(() => new ControlCertificates(options)).toThrow(
      'control.tls.certificate.file: there is no file /no/such.pem.',
    )
  })
})

/** The certificate that a server on this port shows. */
function shownCertificate(port: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const { key, cert } = ours.client.pem()
    const socket = connect({
      host: '127.0.0.1',
      port,
      key,
      cert,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
    })
    socket.once('secureConnect', () => {
      resolve(socket.getPeerCertificate().raw)
      socket.destroy()
    })
    socket.once('error', reject)
  })
}
