import { expect, test } from 'vitest'
import { parseDuration, parseQuantity } from '../../../operator/resources/field.ts'

test('quantities are written as Kubernetes writes them', () => {
  expect(parseQuantity('10Gi')).toBe(10 * 2 ** 30)
  expect(parseQuantity('1.5k')).toBe(1500)
  expect(parseQuantity('7')).toBe(7)
  expect(parseQuantity('1500m')).toBe(2)
  for (const wrong of ['', '10Gb', '-1', 'Gi', '1 Gi']) expect(parseQuantity(wrong), wrong).toBeUndefined()
})

test('times may have several parts', () => {
  expect(parseDuration('7d')).toBe(604_800_000)
  expect(parseDuration('1h30m')).toBe(5_400_000)
  expect(parseDuration('500ms')).toBe(500)
  for (const wrong of ['', '7', 'd', '7 d', '-1s']) expect(parseDuration(wrong), wrong).toBeUndefined()
})
