import { afterEach, beforeEach, expect, test } from 'vitest'
import { ApiError, classOf } from '../../../operator/kube/api-error.ts'
import { ApiServer } from '../../../operator/kube/api-server.ts'
import type { KubeObject } from '../../../operator/resources/kube-object.ts'
import { FakeApiServer } from '../../support/fake-api-server.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/until.ts'

let fake: FakeApiServer
let api: ApiServer

beforeEach(async () => {
  fake = await FakeApiServer.open()
  api = new ApiServer(fake.access)
})

afterEach(async () => {
  api.close()
  await fake.close()
})

const pod = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'demo' },
})
const podRef = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', namespace: 'demo', name })
const podPath = (name: string): string => `/api/v1/namespaces/demo/pods/${name}`

test('a list of several pages is read whole, and its items have their kind', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    fake.put(podPath(name), { metadata: { name, namespace: 'demo' } } as KubeObject)
  }
  const { items, resourceVersion } = await api.list({ apiVersion: 'v1', kind: 'Pod' })
  expect(items.map(({ kind, metadata }) => [kind, metadata.name])).toEqual(
    ['a', 'b', 'c', 'd', 'e'].map(name => ['Pod', name]),
  )
  expect(Number(resourceVersion)).toBeGreaterThan(0)
})

test('a list of those with certain fields is asked for so on every page', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e'])
    fake.put(podPath(name), { ...pod(name), spec: { nodeName: name < 'c' ? 'other' : 'this' } })
  const selection = { namespace: 'demo', fieldSelector: 'spec.nodeName=this,metadata.namespace=demo' }
  const { items } = await api.list({ apiVersion: 'v1', kind: 'Pod' }, selection)
  expect(items.map(({ metadata }) => metadata.name)).toEqual(['c', 'd', 'e'])
})

test('an object that is not there is undefined; a refusal carries what the server said', async () => {
  expect(await api.get(podRef('none'))).toBeUndefined()
  fake.refuseNext(/^PATCH/, { status: 422, reason: 'Invalid' })
  const error = await api.apply(pod('a')).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ApiError)
  expect(error).toMatchObject({ status: 422, reason: 'Invalid', message: 'refused with 422' })
  expect(classOf(error)).toBe('refused')
})

test('an object is applied under our field manager, by force', async () => {
  await api.apply(pod('a'))
  expect(fake.requests.at(-1)).toMatchObject({
    method: 'PATCH',
    url: `${podPath('a')}?fieldManager=barnabas-operator&force=true`,
  })
})

test('only the very object that was meant is deleted', async () => {
  const { metadata } = fake.put(podPath('a'), pod('a'))
  const refused = await api.delete(podRef('a'), { uid: 'another' }).catch(classOf)
  expect(refused).toBe('conflict')
  await api.delete(podRef('a'), { uid: metadata.uid })
  expect(fake.object(podPath('a'))).toBeUndefined()
  await api.delete(podRef('a'))
})

test('a server that asks for patience gets it from everybody', async () => {
  const clock = new FakeClock()
  const patient = new ApiServer(fake.access, { clock })
  fake.refuseNext(/pods\/a$/, { status: 429, reason: 'TooManyRequests', headers: { 'Retry-After': '1' } })
  const error = await patient.get(podRef('a')).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ status: 429, retryAfterMs: 1000 })
  const asked = patient.get(podRef('b'))
  const requests = (): number => fake.requests.filter(({ url }) => url.endsWith('/b')).length
  await until(() => clock.pendingTimers === 1, 'the next request waits')
  clock.advance(999)
  await until(() => clock.pendingTimers === 1, 'it still waits')
  expect(requests()).toBe(0)
  clock.advance(1)
  await asked
  expect(requests()).toBe(1)
  patient.close()
})

test('a server that is not there is told as unavailable', async () => {
  await fake.close()
  const error = await api.get(podRef('a')).catch((thrown: unknown) => thrown)
  expect(classOf(error)).toBe('unavailable')
  expect((error as Error).message).toContain('could not be asked GET /api/v1/namespaces/demo/pods/a')
  fake = await FakeApiServer.open()
})
