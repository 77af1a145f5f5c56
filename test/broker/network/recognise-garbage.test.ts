import { expect, test } from 'vitest'
import { recogniseGarbage } from '../../../broker/network/recognise-garbage.ts'

test.each([
  ['\x16\x03\x01\x02', 'it looks like a TLS hello, but listener PLAINTEXT is not encrypted'],
  ['GET / HTTP/1.1', 'it looks like an HTTP request, but listener PLAINTEXT speaks the Kafka protocol'],
  ['PRI * HTTP/2.0', 'it looks like an HTTP request, but listener PLAINTEXT speaks the Kafka protocol'],
  ['SSH-2.0-OpenSSH', 'it looks like an SSH client, but listener PLAINTEXT speaks the Kafka protocol'],
  ['PROXY TCP4', 'it looks like a PROXY protocol header, which listener PLAINTEXT does not read'],
  ['\xff\xff\xff\xff', undefined],
])('the beginning %j is recognised', (text, expected) => {
  expect(recogniseGarbage(Buffer.from(text, 'latin1'), 0, 'PLAINTEXT')).toBe(expected)
})
