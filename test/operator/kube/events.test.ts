import { expect, test } from 'vitest'
import { Events } from '../../../operator/kube/events.ts'
import type { KubeObject } from '../../../operator/resources/kube-object.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const about: KubeObject = {
  apiVersion: 'barnabas.dev/v1',
  kind: 'Cluster',
  metadata: { name: 'demo', namespace: 'team', uid: 'u1' },
}

test('the same word is not said again within ten minutes', async () => {
  const created: KubeObject[] = []
  const clock = new FakeClock()
  const api = { create: (object: KubeObject) => Promise.resolve(created[created.push(object) - 1]!) }
  const events = new Events(api, clock, silentLogger)
  const told = { type: 'Warning', reason: 'RollBlocked', message: 'because' } as const
  await events.tell(about, told)
  await events.tell(about, told)
  await events.tell(about, { ...told, message: 'something else' })
  clock.advance(600_001)
  await events.tell(about, told)
  expect(created).toHaveLength(3)
  expect(created[0]).toMatchObject({
    kind: 'Event',
    metadata: { namespace: 'team' },
    involvedObject: { kind: 'Cluster', name: 'demo', uid: 'u1' },
    type: 'Warning',
    reason: 'RollBlocked',
  })
  expect(new Set(created.map(({ metadata }) => metadata.name)).size).toBe(3)
})

test('an event that cannot be told fails nothing', async () => {
  const events = new Events({ create: () => Promise.reject(new Error('no')) }, new FakeClock(), silentLogger)
  await events.tell(about, { type: 'Normal', reason: 'Made', message: 'x' })
})
