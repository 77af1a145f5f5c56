import { beforeEach, expect, test } from 'vitest'
import { RefusedPods } from '../../../operator/controllers/refused-pods.ts'
import { ApiError } from '../../../operator/kube/api-error.ts'
import type { KubeObject } from '../../../operator/resources/kube-object.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { recordingLogger } from '../../support/recording-logger.ts'

const statefulSet: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'demo-etcd', namespace: 'team', uid: 'uid-1' },
  spec: { replicas: 1 },
}
const pod: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'demo-etcd-0' } }
const sentence = 'Kubernetes does not take pods of StatefulSet demo-etcd: no.'

let clock: FakeClock
let asked: unknown[]
let answer: readonly KubeObject[] | Error
let logged: ReturnType<typeof recordingLogger>
let refused: RefusedPods

beforeEach(() => {
  clock = new FakeClock()
  asked = []
  answer = []
  logged = recordingLogger()
  const list = (_: unknown, selection: unknown) => {
    asked.push(selection)
    return answer instanceof Error
      ? Promise.reject(answer)
      : Promise.resolve({ items: answer, resourceVersion: '1' })
  }
  refused = new RefusedPods({ list }, clock, logged.logger)
})

/** Its time is `secondsAgo`. */
function event(secondsAgo = 0): KubeObject {
  const lastTimestamp = new Date(clock.nowMs() - secondsAgo * 1000).toISOString()
  const told = { message: 'Create Pod demo-etcd-0 in StatefulSet demo-etcd failed error: no', lastTimestamp }
  return { apiVersion: 'v1', kind: 'Event', metadata: { name: 'one' }, ...told }
}

const look = async (...children: readonly KubeObject[]): Promise<readonly string[]> => [
  ...(await refused.of('team/demo', children)).values(),
]

test('pods that come within moments are not asked for; when they are missing longer, less and less often', async () => {
  expect(await look(statefulSet)).toEqual([])
  clock.advance(2999)
  expect(await look(statefulSet)).toEqual([])
  expect(await look(statefulSet, pod)).toEqual([])
  expect(await look(statefulSet)).toEqual([])
  clock.advance(2999)
  expect(await look(statefulSet)).toEqual([])
  expect(asked).toEqual([])
  const times: number[] = []
  for (let second = 3; second <= 120; second++) {
    clock.advance(second === 3 ? 1 : 1000)
    const before = asked.length
    await look(statefulSet)
    if (asked.length > before) times.push(second)
  }
  expect(times).toEqual([3, 9, 21, 45, 75, 105])
  expect(asked[0]).toEqual({
    namespace: 'team',
    fieldSelector: 'involvedObject.uid=uid-1,reason=FailedCreate',
  })
})

test('it is told until the pods are there, though its events are forgotten before', async () => {
  await look(statefulSet)
  answer = [event()]
  clock.advance(3000)
  expect(await look(statefulSet)).toEqual([sentence])
  answer = []
  for (let minute = 0; minute < 120; minute++) {
    clock.advance(60_000)
    expect(await look(statefulSet)).toEqual([sentence])
  }
  expect(await look(statefulSet, pod)).toEqual([])
  expect(await look(statefulSet)).toEqual([])
})

test('an old event tells of pods that were missing before we looked, and not of those that we saw', async () => {
  answer = [event(600)]
  await look(statefulSet)
  clock.advance(3000)
  expect(await look(statefulSet)).toEqual([sentence])
  await look(statefulSet, pod)
  await look(statefulSet)
  clock.advance(3000)
  expect(await look(statefulSet)).toEqual([])
  refused.forget('team/demo')
  await look(statefulSet)
  clock.advance(3000)
  expect(await look(statefulSet)).toEqual([sentence])
})

test('that events cannot be listed is logged once and hinders nothing; what is known stays', async () => {
  answer = new ApiError('events is forbidden', { status: 403, reason: 'Forbidden' })
  await look(statefulSet)
  for (const seconds of [3, 6, 12]) {
    clock.advance(seconds * 1000)
    expect(await look(statefulSet)).toEqual([])
  }
  expect(asked).toHaveLength(3)
  expect(logged.lines).toMatchObject([{ level: 'warn', namespace: 'team', statefulSet: 'demo-etcd' }])
  answer = [event()]
  clock.advance(30_000)
  expect(await look(statefulSet)).toEqual([sentence])
  answer = new ApiError('no answer', { status: 0, reason: 'Unreachable' })
  clock.advance(30_000)
  expect(await look(statefulSet)).toEqual([sentence])
})
