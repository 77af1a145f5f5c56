import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../targets/processes.ts'

export interface Certificates {
  /** File of the authority's certificate. */
  readonly ca: string
  readonly server: KeyPair
  readonly client: KeyPair
}

interface KeyPair {
  readonly certificate: string
  readonly key: string
  /** As Node's TLS options. */
  pem(): { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer }
}

/** An authority and certificates of a server at 127.0.0.1 (localhost) and of a client, as PEM files in the directory. */
export async function makeCertificates(directory: string): Promise<Certificates> {
  const file = (name: string): string => join(directory, name)
  const ca = file('ca.pem')
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-days',
    '2',
    '-subj',
    '/CN=test',
    '-keyout',
    file('ca.key'),
    '-out',
    ca,
  )
  const sign = async (name: string): Promise<KeyPair> => {
    const certificate = file(`${name}.pem`)
    const key = file(`${name}.key`)
    const request = file(`${name}.csr`)
    const extensions = file(`${name}.ext`)
    writeFileSync(
      extensions,
      'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n',
    )
    await openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', key, '-out', request)
    const authority = ['-CA', ca, '-CAkey', file('ca.key'), '-CAcreateserial']
    await openssl(
      'x509',
      '-req',
      '-in',
      request,
      ...authority,
      '-days',
      '2',
      '-extfile',
      extensions,
      '-out',
      certificate,
    )
    return {
      certificate,
      key,
      pem: () => ({ ca: readFileSync(ca), cert: readFileSync(certificate), key: readFileSync(key) }),
    }
  }
  return { ca, server: await sign('server'), client: await sign('client') }
}

async function openssl(...args: readonly string[]): Promise<void> {
  const { exit, stderr } = await run('openssl', args)
  if (exit !== 0) throw new Error(`openssl ${args[0]} failed: ${stderr}`)
}
