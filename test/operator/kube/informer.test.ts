import { afterEach, beforeEach, expect, test } from 'vitest'
import { ApiServer } from '../../../operator/kube/api-server.ts'
import { Informer } from '../../../operator/kube/informer.ts'
import type { KubeObject } from '../../../operator/resources/kube-object.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { FakeApiServer } from '../../support/fake-api-server.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/until.ts'

let fake: FakeApiServer
let api: ApiServer
let clock: FakeClock
let informer: Informer
let seen: string[]

beforeEach(async () => {
  fake = await FakeApiServer.open()
  clock = new FakeClock()
  api = new ApiServer(fake.access, { clock, perSecond: 1000, burst: 1000 })
  informer = new Informer(
    { apiVersion: 'v1', kind: 'Pod' },
    { labelSelector: 'app=barnabas' },
    { api, clock, random: seededRandom(1), logger: silentLogger },
    { app: object => [object.metadata.labels?.['app'] ?? ''] },
  )
  seen = []
  informer.onChange((object, _, change) => seen.push(`${change} ${object.metadata.name}`))
})

afterEach(async () => {
  await informer.stop()
  api.close()
  await fake.close()
})

const path = (name: string): string => `/api/v1/namespaces/demo/pods/${name}`
const pod = (name: string, app = 'x'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'demo', labels: { app } },
})
const names = (): string[] => informer.all().map(({ metadata }) => metadata.name)

async function started(): Promise<void> {
  informer.start()
  await informer.listed()
  await until(() => fake.watches === 1, 'the watch is open')
}

test('what is there is listed, what changes is followed, and both are found by index', async () => {
  fake.put(path('a'), pod('a'))
  await started()
  fake.put(path('b'), pod('b', 'y'))
  fake.put(path('a'), pod('a', 'y'))
  fake.remove(path('b'))
  await until(() => seen.length === 4, 'all changes were seen')
  expect(seen).toEqual(['added a', 'added b', 'changed a', 'deleted b'])
  expect(informer.by('app', 'y').map(({ metadata }) => metadata.name)).toEqual(['a'])
  expect(informer.by('app', 'x')).toEqual([])
})

test('a watch that the server ends goes on from where it was, without a new list', async () => {
  await started()
  fake.bookmark()
  fake.put(path('a'), pod('a'))
  await until(() => seen.length === 1, 'the change was seen')
  const lists = (): number => fake.requests.filter(({ url }) => !url.includes('watch=')).length
  expect(lists()).toBe(1)
  fake.endWatches()
  await until(() => fake.watches === 1, 'it is watched again')
  fake.put(path('b'), pod('b'))
  await until(() => seen.length === 2, 'the next change was seen')
  expect(lists()).toBe(1)
})

test('after 410 what was deleted meanwhile is noticed', async () => {
  fake.put(path('a'), pod('a'))
  fake.put(path('b'), pod('b'))
  await started()
  fake.removeSilently(path('a'))
  fake.forgetHistory()
  fake.endWatches()
  await until(() => names().join() === 'b', 'the cache was made anew')
  expect(seen.at(-1)).toBe('deleted a')
})

test('a watch that goes silent is given up, and all is listed again', async () => {
  fake.put(path('a'), pod('a'))
  await started()
  fake.removeSilently(path('a'))
  clock.advance(60_000)
  fake.bookmark()
  await until(() => clock.pendingTimers > 0, 'the bookmark was heard')
  expect(names()).toEqual(['a'])
  clock.advance(150_000)
  await until(() => {
    clock.advance(100)
    return names().length === 0
  }, 'the silence was noticed')
})

test('an object that was made anew under the same name is another one', async () => {
  fake.put(path('a'), pod('a'))
  await started()
  fake.remove(path('a'))
  fake.put(path('a'), pod('a'))
  await until(() => seen.length === 3, 'all changes were seen')
  expect(seen).toEqual(['added a', 'deleted a', 'added a'])
})

test('what a write was answered with is seen at once, and older news of it is not taken', async () => {
  await started()
  const written = fake.put(path('a'), pod('a'))
  informer.note({
    ...written,
    metadata: { ...written.metadata, resourceVersion: '9999', labels: { app: 'new' } },
  })
  expect(informer.get('demo/a')?.metadata.labels).toEqual({ app: 'new' })
  fake.put(path('b'), pod('b'))
  await until(() => names().includes('b'), 'the watch has gone past a')
  expect(informer.get('demo/a')?.metadata.labels).toEqual({ app: 'new' })
})

test('a server that fails is asked again, later', async () => {
  fake.refuseNext(/^GET/, { status: 500, reason: 'InternalError' })
  fake.put(path('a'), pod('a'))
  informer.start()
  await until(() => {
    clock.advance(100)
    return informer.isListed
  }, 'the list came')
  expect(names()).toEqual(['a'])
})
