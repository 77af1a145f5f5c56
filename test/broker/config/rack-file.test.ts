import { expect, test } from 'vitest'
import { waitForRack } from '../../../broker/config/rack-file.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/until.ts'

test('a rack that comes later is waited for', async () => {
  const clock = new FakeClock()
  const texts = ['', '\n', 'zone a\n']
  const waiting = waitForRack('f', {
    read: () => texts.shift() ?? '',
    clock,
    withinMs: 1000,
    otherwise: null,
  })
  for (const left of [2, 1]) {
    await until(() => texts.length === left && clock.pendingTimers === 1, 'it was looked at')
    clock.advance(100)
  }
  expect(await waiting).toEqual({ file: { name: 'f', text: 'broker.rack=zone a\n' }, notes: [] })
})

test('a hyphen is no rack, at once', async () => {
  const clock = new FakeClock()
  const told = { read: () => '-\n', clock, withinMs: 1000, otherwise: null }
  expect(await waitForRack('f', told)).toEqual({ notes: [] })
})

test.each([
  { otherwise: null, goesOn: 'this broker has no rack' },
  { otherwise: 'zone-a', goesOn: 'it stays broker.rack=zone-a' },
])('a broker that is told nothing goes on, and says so: $goesOn', async ({ otherwise, goesOn }) => {
  const clock = new FakeClock()
  const read = (): string => {
    throw new Error('ENOENT')
  }
  let rack: unknown
  void waitForRack('f', { read, clock, withinMs: 300, otherwise }).then(result => {
    rack = result
  })
  await until(() => {
    clock.advance(50)
    return rack !== undefined
  }, 'it gave up')
  expect(rack).toEqual({ notes: [`broker.rack.file: f says nothing after 300 ms; ${goesOn}.`] })
})
