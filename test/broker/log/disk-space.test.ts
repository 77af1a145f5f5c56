import { expect, test } from 'vitest'
import { enough, judgeSpace, nextLookMs } from '../../../broker/log/disk-space.ts'

const mebibyte = 2 ** 20
const facts = (usableBytes: number, totalBytes = 2 ** 40) => ({
  path: '/data',
  totalBytes,
  usableBytes,
  reservedBytes: 128 * mebibyte,
})

test('below the reserve new records are refused, with a sentence that says until when', () => {
  expect(judgeSpace(facts(128 * mebibyte), enough)).toEqual(enough)
  expect(judgeSpace(facts(127 * mebibyte), enough)).toEqual({
    kind: 'full',
    message:
      'The disk of /data has 127 MiB left; no new records are taken until 160 MiB are free. Fetching, deleting and retention go on.',
  })
})

test('they are taken again only when somewhat more than the reserve is free', () => {
  const full = judgeSpace(facts(100 * mebibyte), enough)
  expect(judgeSpace(facts(140 * mebibyte), full).kind).toBe('full')
  expect(judgeSpace(facts(160 * mebibyte), full)).toEqual(enough)
})

test('of a small disk at most a tenth is kept free', () => {
  expect(judgeSpace(facts(30 * mebibyte, 256 * mebibyte), enough)).toEqual(enough)
  expect(judgeSpace(facts(25 * mebibyte, 256 * mebibyte), enough).kind).toBe('full')
})

test('the less there is, the sooner it is looked at again', () => {
  expect(nextLookMs(facts(2 ** 40))).toBe(5000)
  expect(nextLookMs(facts(2 ** 33))).toBe(1000)
  expect(nextLookMs(facts(2 ** 28))).toBe(100)
})
