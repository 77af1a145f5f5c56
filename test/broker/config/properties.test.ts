import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatProperties, parseProperties } from '../../../broker/config/properties.ts'

function read(text: string): Record<string, string> {
  return Object.fromEntries(parseProperties(text).map(({ name, value }) => [name, value]))
}

test('names end at the first equals sign, colon or space that is not escaped', () => {
  expect(read('a=1\nb: 2\nc 3\nd\\=e = f=g\n h\t=\ti ')).toEqual({
    a: '1',
    b: '2',
    c: '3',
    'd=e': 'f=g',
    h: 'i ',
  })
})

test('comments and empty lines are passed over', () => {
  expect(read('# a=1\n\n   ! b=2\r\nc=3')).toEqual({ c: '3' })
})

test('a backslash at the end of a line joins the next one, without its leading spaces', () => {
  expect(read('log.dirs=/a,\\\n    /b,\\\n\t/c\nx=1\\\\\ny=2')).toEqual({
    'log.dirs': '/a,/b,/c',
    x: '1\\',
    y: '2',
  })
})

test('escapes stand for what Java says', () => {
  expect(read('a=\\u0041\\t\\n\\\\\\q\nb=C:\\\\temp')).toEqual({ a: 'A\t\n\\q', b: 'C:\\temp' })
})

test('a name without a separator has an empty value', () => {
  expect(read('alone\nempty=')).toEqual({ alone: '', empty: '' })
})

test('each property says on which line it begins', () => {
  expect(parseProperties('# x\na=1\\\n 2\nb=3').map(({ name, line }) => [name, line])).toEqual([
    ['a', 2],
    ['b', 4],
  ])
})

test('what is written is read back', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.string())), pairs => {
      const usable = pairs.filter(([name]) => name.trim() === name && name !== '')
      expect(parseProperties(formatProperties(usable)).map(({ name, value }) => [name, value])).toEqual(
        usable,
      )
    }),
  )
})
