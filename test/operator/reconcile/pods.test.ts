import { expect, test } from 'vitest'
import { podFacts } from '../../../operator/reconcile/pods.ts'

const podWith = (status: object, metadata: object = {}) =>
  podFacts({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'demo-brokers-2', creationTimestamp: '2026-01-01T00:00:00Z', ...metadata },
    status,
  })

test('a pod whose node takes none says what the scheduler says', () => {
  const message = "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match the volume."
  const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }]
  const { index, isReady, problem } = podWith({ phase: 'Pending', conditions })
  expect({ index, isReady, problem }).toEqual({
    index: 2,
    isReady: false,
    problem: `it fits on no node: ${message}`,
  })
})

test('one that waits for the scheduler, or for its image, has no problem yet', () => {
  expect(podWith({ phase: 'Pending' }).problem).toBeUndefined()
  const waiting = { state: { waiting: { reason: 'ContainerCreating' } } }
  expect(podWith({ phase: 'Pending', containerStatuses: [waiting] }).problem).toBeUndefined()
})

test('one that ends again and again says how it ended', () => {
  const failing = {
    state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } },
    lastState: { terminated: { exitCode: 2, reason: 'Error' } },
  }
  expect(podWith({ phase: 'Running', containerStatuses: [failing] }).problem).toBe(
    'CrashLoopBackOff: back-off 10s, it ended with exit code 2; its log says why',
  )
})

test('one that is being deleted is not ready, though it still serves', () => {
  const conditions = [{ type: 'Ready', status: 'True' }]
  const leaving = podWith({ conditions }, { deletionTimestamp: '2026-01-01T00:01:00Z' })
  expect(leaving).toMatchObject({ isReady: false, isTerminating: true })
  expect(podWith({ conditions })).toMatchObject({ isReady: true, isTerminating: false })
})
