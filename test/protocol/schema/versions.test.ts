import { expect, test } from 'vitest'
import { contains, formatVersions, parseVersions } from '../../../protocol/schema/versions.ts'

test('ranges are read as they are written', () => {
  expect(parseVersions('3')).toEqual({ min: 3, max: 3 })
  expect(parseVersions('3-12')).toEqual({ min: 3, max: 12 })
  expect(parseVersions('3+')).toEqual({ min: 3, max: 32_767 })
  for (const text of ['3', '3-12', '3+', 'none']) expect(formatVersions(parseVersions(text))).toBe(text)
})

test('a range holds both its ends, none holds nothing', () => {
  expect([2, 3, 12, 13].map(version => contains(parseVersions('3-12'), version))).toEqual([
    false,
    true,
    true,
    false,
  ])
  expect([0, 1, 32_767].some(version => contains(parseVersions('none'), version))).toBe(false)
})

test('anything else is a mistake in a declaration', () => {
  for (const text of ['', '3-', '-3', 'v3', '3++']) expect(() => parseVersions(text)).toThrow(SyntaxError)
})
