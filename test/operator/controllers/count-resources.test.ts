import { expect, test } from 'vitest'
import { figuresOf, standingOf } from '../../../operator/controllers/count-resources.ts'
import type { KubeObject } from '../../../operator/resources/kube-object.ts'

/** `conditions`: type=status=reason each. */
function told(conditions: readonly string[], rest: object = {}): KubeObject {
  const split = conditions.map(text => {
    const [type, status, reason] = text.split('=')
    return { type, status, reason }
  })
  const metadata = { name: 'demo', namespace: 'team' }
  return { apiVersion: 'barnabas.dev/v1', kind: 'Cluster', metadata, status: { ...rest, conditions: split } }
}

const plan = {
  steps: [
    { etcdMember: 0, action: 'Restart' },
    { broker: 3, action: 'Drain' },
    { broker: 0, action: 'Restart' },
  ],
}

test.each([
  [['Ready=True=AllGood'], 'ready'],
  [['Ready=True=AllGood', 'Paused=True=AskedFor'], 'ready'],
  [['Ready=False=RestartsPending'], 'unready'],
  [['Ready=False=ApprovalNeeded'], 'held'],
  [['Ready=False=DeletionNeeded'], 'held'],
  [['Ready=False=ClusterPaused'], 'held'],
  [['Ready=False=BrokersNotReady', 'Paused=True=AskedFor'], 'held'],
  // People are asked for an approval, but that is not all.
  [['Ready=False=PartitionsOffline', 'UpToDate=False=ApprovalNeeded'], 'unready'],
  [[], 'unready'],
] as const)('%j is %s', (conditions, standing) => {
  expect(standingOf(told(conditions))).toBe(standing)
})

test('a resource of which nothing was said yet is not ready', () => {
  const { apiVersion, kind, metadata } = told([])
  expect(standingOf({ apiVersion, kind, metadata })).toBe('unready')
})

test('restarts are pending while the operator is to do them, and not while people hold them back', () => {
  expect(figuresOf(told(['UpToDate=False=RestartsPending'], { plan })).pendingRestarts).toBe(2)
  expect(figuresOf(told(['UpToDate=True=AsAskedFor'])).pendingRestarts).toBe(0)
  expect(figuresOf(told(['UpToDate=False=ApprovalNeeded'], { plan })).pendingRestarts).toBe(0)
  expect(figuresOf(told(['UpToDate=False=DeletionNeeded'], { plan })).pendingRestarts).toBe(0)
  const paused = told(['UpToDate=False=RestartsPending', 'Paused=True=AskedFor'], { plan })
  expect(figuresOf(paused).pendingRestarts).toBe(0)
})

test('brokers are to be restarted or not, whoever holds that back', () => {
  const members = [{ id: 0, pendingReason: 'image' }, { id: 1 }, { id: 2 }]
  expect(figuresOf(told(['UpToDate=False=ApprovalNeeded'], { members }))).toEqual({
    key: 'team/demo',
    pendingRestarts: 0,
    toRestart: 1,
    upToDate: 2,
  })
})
