import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { isUuid, uuidFromBytes, uuidFromRandom, zeroUuid } from '../../../protocol/index.ts'

test('a uuid is the 22 characters that 16 bytes become', () => {
  expect(uuidFromBytes(Buffer.alloc(16))).toBe(zeroUuid)
  expect(uuidFromBytes(Buffer.alloc(20, 0xff), 4)).toBe('_____________________w')
  expect(isUuid(zeroUuid)).toBe(true)
  expect(isUuid('_____________________w')).toBe(true)
})

test('texts that no 16 bytes become are none', () => {
  for (const text of [
    '',
    'AAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAAAAAB',
    'AAAAAAAAAAAAAAAAAAAA+A',
    `${zeroUuid}==`,
  ]) {
    expect(isUuid(text)).toBe(false)
  }
})

test('a random one is of version 4 and never begins like an option of a command', () => {
  const starts = [Buffer.alloc(16, 0xfb), randomBytes(16)]
  starts[1]![0] = 0x10
  const uuid = uuidFromRandom(() => Buffer.from(starts.shift()!))
  expect(starts).toEqual([])
  expect(isUuid(uuid)).toBe(true)
  expect(Buffer.from(uuid, 'base64url')[6]! >> 4).toBe(4)
})
