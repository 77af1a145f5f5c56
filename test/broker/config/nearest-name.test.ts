import { expect, test } from 'vitest'
import { nearestName } from '../../../broker/config/nearest-name.ts'

const known = ['log.retention.hours', 'log.retention.ms', 'num.partitions']

test('a slip of the hand finds the name that was meant', () => {
  expect(nearestName('log.retention.hour', known)).toBe('log.retention.hours')
  expect(nearestName('num.partitons', known)).toBe('num.partitions')
  expect(nearestName('log.retnetion.ms', known)).toBe('log.retention.ms')
})

test('something else altogether finds nothing', () => {
  expect(nearestName('colour', known)).toBeUndefined()
})
