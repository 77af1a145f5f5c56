import { expect, test } from 'vitest'
import { podFacts } from '../../../operator/reconcile/pods.ts'

function problemOf(status: object): string | undefined {
  const spec = { containers: [{ image: 'example/image:1' }] }
  return podFacts({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'demo-brokers-0' }, spec, status })
    .problem
}

const waiting = (reason: string, message: string, others: object = {}) => ({
  containerStatuses: [{ state: { waiting: { reason, message } }, ...others }],
})

test('an image that is not there is told in the same words from one attempt to the next', () => {
  const sentence = 'its image example/image:1 cannot be pulled; kubectl describe pod says why'
  expect(problemOf(waiting('ErrImagePull', 'rpc error: not found'))).toBe(sentence)
  expect(problemOf(waiting('ImagePullBackOff', 'Back-off 20s'))).toBe(sentence)
  expect(problemOf(waiting('ErrImageNeverPull', 'Container image "x" is not present'))).toBe(
    'ErrImageNeverPull: Container image "x" is not present',
  )
  expect(problemOf(waiting('ContainerCreating', ''))).toBeUndefined()
})

test('a container that ends again and again is told so while it runs for a moment, too', () => {
  const sentence = 'it ends again and again with exit code 9; its log says why'
  const ended = (seconds: number) => ({
    terminated: {
      exitCode: 9,
      startedAt: '2026-01-01T00:00:00Z',
      finishedAt: new Date(Date.parse('2026-01-01T00:00:00Z') + seconds * 1000).toISOString(),
    },
  })
  expect(problemOf(waiting('CrashLoopBackOff', 'back-off 10s', { lastState: ended(1) }))).toBe(sentence)
  const running = (restartCount: number, seconds: number, ready = false) =>
    problemOf({
      containerStatuses: [{ state: { running: {} }, restartCount, lastState: ended(seconds), ready }],
    })
  expect(running(2, 1)).toBe(sentence)
  expect(running(1, 1)).toBeUndefined()
  expect(running(2, 3600)).toBeUndefined()
  expect(running(2, 1, true)).toBeUndefined()
})

test('a pod that fits nowhere is told in the words of the scheduler', () => {
  const unscheduled = {
    type: 'PodScheduled',
    status: 'False',
    reason: 'Unschedulable',
    message: '3 Insufficient cpu.',
  }
  expect(problemOf({ phase: 'Pending', conditions: [unscheduled] })).toBe(
    'it fits on no node: 3 Insufficient cpu.',
  )
})
