import { expect, test } from 'vitest'
import type { ToldStatus } from '../../../operator/reconcile/observed-cluster.ts'
import { storageHealth } from '../../../operator/reconcile/storage-health.ts'
import type { Condition } from '../../../operator/resources/conditions.ts'

type Directory = ToldStatus['logDirectories'][number]

const works: Directory = { path: '/data', failure: '', isFull: false, totalBytes: 1000, usableBytes: 500 }

/** `directories`: of each broker that answers. */
function health(directories: Readonly<Record<number, Partial<Directory>>>, before?: Partial<Condition>) {
  const statuses = new Map(
    Object.entries(directories).map(([broker, facts]) => [
      Number(broker),
      { isRecovering: false, logDirectories: [{ ...works, ...facts }] },
    ]),
  )
  const told: Condition = {
    type: 'StorageHealthy',
    status: 'True',
    reason: 'AllGood',
    message: '',
    lastTransitionTime: '2026-01-01T00:00:00Z',
    ...before,
  }
  return storageHealth([0, 1, 2], statuses, told)
}

test('directories that failed are told with their brokers and why', () => {
  const failed = health({ 0: {}, 1: { failure: 'Input/output error.' }, 2: { isFull: true } })
  expect(failed).toMatchObject({ status: 'False', reason: 'LogDirectoryFailed' })
  expect(failed.message).toContain('/data of broker 1 (Input/output error)')
})

test('brokers that refuse new records are told', () => {
  const full = health({ 0: {}, 1: { isFull: true }, 2: { isFull: true } })
  expect(full).toMatchObject({ status: 'False', reason: 'DiskFull' })
  expect(full.message).toContain('brokers 1, 2')
})

test('a broker that is away does not make its broken disk whole', () => {
  const before = { status: 'False', reason: 'LogDirectoryFailed', message: 'Of broker 1.' } as const
  expect(health({ 0: {}, 2: {} }, before)).toMatchObject(before)
  expect(health({ 0: {}, 1: {}, 2: {} }, before)).toMatchObject({ status: 'True', reason: 'AllGood' })
  expect(health({ 0: {}, 2: {} })).toMatchObject({ status: 'True', reason: 'AllGood' })
  expect(health({})).toMatchObject({ status: 'Unknown', reason: 'BrokersUnreachable' })
})

test('little room is told before there is none, and until there is clearly more', () => {
  const space = (usableBytes: number, before: Partial<Condition> = {}): string =>
    health({ 0: {}, 1: { usableBytes }, 2: {} }, before).reason
  expect(space(150)).toBe('AllGood')
  expect(space(149)).toBe('SpaceRunsLow')
  expect(space(199, { reason: 'SpaceRunsLow' })).toBe('SpaceRunsLow')
  expect(space(200, { reason: 'SpaceRunsLow' })).toBe('AllGood')
  expect(health({ 1: { totalBytes: -1, usableBytes: -1 } })).toMatchObject({ reason: 'AllGood' })
})
