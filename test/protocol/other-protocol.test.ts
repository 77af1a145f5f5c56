import { expect, test } from 'vitest'
import { otherProtocol } from '../../protocol/index.ts'

test.each([
  ['GET / HTTP/1.1', 'HTTP'],
  ['HTTP/1.1 400 Bad Request', 'HTTP'],
  ['\x16\x03\x01\x02\x00\x01', 'TLS'],
  ['\x15\x03\x03\x00\x02\x02\x28', 'TLS'],
  ['\x17\x03\x03\x00', undefined],
  ['SSH-2.0-OpenSSH', 'SSH'],
  ['PROXY TCP4', 'PROXY'],
  ['\x00\x00\x00\x20', undefined],
])('%j begins %s', (bytes, expected) => {
  expect(otherProtocol(Buffer.from(`..${bytes}`, 'latin1'), 2)).toBe(expected)
})
