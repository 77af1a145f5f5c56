import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Reader, Writer } from '../../../protocol/index.ts'
import {
  sizeOfUnsignedVarint,
  sizeOfVarint,
  sizeOfVarlong,
  unzigzag,
  zigzag,
} from '../../../protocol/bytes/varint.ts'

test('zigzag puts small magnitudes first and comes back', () => {
  expect([0, -1, 1, -2, 2].map(zigzag)).toEqual([0, 1, 2, 3, 4])
  fc.assert(fc.property(fc.integer(), value => unzigzag(zigzag(value)) === value))
})

test('sizes are those of the bytes that are written, and the bytes come back as the number', () => {
  fc.assert(
    fc.property(fc.nat({ max: 0xffff_ffff }), fc.integer(), fc.maxSafeInteger(), (unsigned, small, large) => {
      const writer = new Writer()
      writer.unsignedVarint(unsigned)
      expect(writer.position).toBe(sizeOfUnsignedVarint(unsigned))
      writer.varint(small)
      writer.varlong(large)
      expect(writer.position).toBe(
        sizeOfUnsignedVarint(unsigned) + sizeOfVarint(small) + sizeOfVarlong(large),
      )
      const reader = new Reader(writer.finish())
      expect([reader.unsignedVarint(), reader.varint(), reader.varlong()]).toEqual([unsigned, small, large])
    }),
  )
})
