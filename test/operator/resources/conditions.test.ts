import { expect, test } from 'vitest'
import { updateConditions } from '../../../operator/resources/conditions.ts'

test('the time of a condition changes only when its status does', () => {
  const first = updateConditions(
    [],
    [{ type: 'Ready', status: 'False', reason: 'BrokersNotReady', message: 'a' }],
    {
      generation: 1,
      nowMs: 1000,
    },
  )
  const second = updateConditions(
    first,
    [{ type: 'Ready', status: 'False', reason: 'RestartsPending', message: 'b' }],
    { generation: 2, nowMs: 60_000 },
  )
  const third = updateConditions(
    second,
    [{ type: 'Ready', status: 'True', reason: 'AllGood', message: '' }],
    {
      generation: 2,
      nowMs: 120_999,
    },
  )
  expect(first[0]?.lastTransitionTime).toBe('1970-01-01T00:00:01Z')
  expect(second).toEqual([
    {
      type: 'Ready',
      status: 'False',
      reason: 'RestartsPending',
      message: 'b',
      lastTransitionTime: '1970-01-01T00:00:01Z',
      observedGeneration: 2,
    },
  ])
  expect(third[0]?.lastTransitionTime).toBe('1970-01-01T00:02:00Z')
})
