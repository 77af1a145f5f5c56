import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ShortTexts } from '../../../protocol/bytes/short-texts.ts'

test('every text comes out as it went in, however often and whatever came between', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 50 }),
    fc.string({ maxLength: 50, unit: 'binary' }),
    fc.integer({ min: 0, max: 20_000 }).map(number => `group-${number}`),
  )
  fc.assert(
    fc.property(fc.array(text, { maxLength: 30 }), all => {
      const texts = new ShortTexts()
      for (const one of [...all, ...all]) {
        const bytes = Buffer.from(`..${one}..`)
        expect(texts.read(bytes, 2, bytes.length - 2)).toBe(bytes.toString('utf8', 2, bytes.length - 2))
      }
    }),
  )
})

test('bytes that are no UTF-8 are read as Node reads them, each time', () => {
  const texts = new ShortTexts()
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), array => {
      const bytes = Buffer.from(array)
      for (let times = 0; times < 2; times++) {
        expect(texts.read(bytes, 0, bytes.length)).toBe(bytes.toString('utf8'))
      }
    }),
  )
})
