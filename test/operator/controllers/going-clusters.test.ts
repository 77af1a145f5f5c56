import { beforeEach, expect, test } from 'vitest'
import { GoingClusters } from '../../../operator/controllers/going-clusters.ts'
import { ApiError } from '../../../operator/kube/api-error.ts'
import type { KubeObject, ObjectMeta, ObjectRef } from '../../../operator/resources/kube-object.ts'
import { recordingLogger } from '../../support/recording-logger.ts'

const gone = { deletionTimestamp: '2026-01-01T00:00:00Z' }
const object = (kind: string, metadata: Partial<ObjectMeta>): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name: 'demo', namespace: 'team', ...metadata },
})
const cluster = object('Cluster', { uid: 'uid-1' })
const staying = object('Pod', { name: 'demo-brokers-0' })
const ending = object('Pod', { name: 'demo-brokers-1', ...gone })

let asked: ObjectRef[]
let answer: KubeObject | ApiError | undefined
let logged: ReturnType<typeof recordingLogger>
let told: string[]
let going: GoingClusters

beforeEach(() => {
  asked = []
  told = []
  answer = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } }
  logged = recordingLogger()
  const get = (ref: ObjectRef): Promise<KubeObject | undefined> => {
    asked.push(ref)
    return answer instanceof ApiError ? Promise.reject(answer) : Promise.resolve(answer)
  }
  going = new GoingClusters({ get }, logged.logger)
  going.onGoing(key => told.push(key))
})

const goingNamespace: KubeObject = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'team', ...gone },
}

test('the namespace is asked for only while a pod ends', async () => {
  answer = goingNamespace
  const service = object('Service', { name: 'demo-brokers', ...gone })
  expect(await going.goesWithNamespace(cluster, [staying, service])).toBe(false)
  expect(asked).toEqual([])
  expect(await going.goesWithNamespace(cluster, [staying, ending])).toBe(true)
  expect(asked).toEqual([{ apiVersion: 'v1', kind: 'Namespace', name: 'team' }])
})

test('pods that end in a namespace that stays are no sign, however many they are', async () => {
  expect(await going.goesWithNamespace(cluster, [ending, ending, ending])).toBe(false)
  answer = undefined
  expect(await going.goesWithNamespace(cluster, [ending, ending, ending])).toBe(false)
  expect(going.isGoing(cluster)).toBe(false)
  expect(told).toEqual([])
})

test('what goes is told once, and stays known when its pods are gone', async () => {
  answer = goingNamespace
  await going.goesWithNamespace(cluster, [ending])
  expect(await going.goesWithNamespace(cluster, [])).toBe(true)
  expect(going.isGoing(cluster)).toBe(true)
  expect(told).toEqual(['team/demo'])
  expect(asked).toHaveLength(1)
})

test('of a later Cluster with the same name nothing is known', async () => {
  answer = goingNamespace
  await going.goesWithNamespace(cluster, [ending])
  expect(going.isGoing(object('Cluster', { uid: 'uid-2' }))).toBe(false)
  going.forget('team/demo')
  expect(going.isGoing(cluster)).toBe(false)
})

test('a Cluster that is deleted goes, whatever its namespace does', () => {
  expect(going.isGoing(object('Cluster', { uid: 'uid-2', ...gone }))).toBe(true)
})

test('an operator that may not read the namespace says so once, and goes on as in one that stays', async () => {
  answer = new ApiError('namespaces "team" is forbidden', { status: 403, reason: 'Forbidden' })
  for (const _ of [1, 2]) expect(await going.goesWithNamespace(cluster, [ending])).toBe(false)
  expect(logged.lines.map(({ msg }) => msg)).toEqual([
    'The operator may not read a namespace; when that is deleted, its brokers wait for each other. Allow it to get namespaces, as its chart does.',
  ])
})

test('an API server that does not answer leaves it open: the loop comes back', async () => {
  answer = new ApiError('away', { status: 503, reason: 'ServiceUnavailable' })
  await expect(going.goesWithNamespace(cluster, [ending])).rejects.toThrow('away')
})
