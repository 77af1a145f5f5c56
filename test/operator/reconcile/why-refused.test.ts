import { expect, test } from 'vitest'
import { lackingPods, whyRefused } from '../../../operator/reconcile/why-refused.ts'
import type { KubeObject } from '../../../operator/resources/kube-object.ts'

const since = '2026-01-01T00:00:00Z'
const sinceMs = Date.parse(since)
const at = (seconds: number): string => new Date(sinceMs + seconds * 1000).toISOString()
function event(message: string, times: object = { lastTimestamp: at(1) }): KubeObject {
  const told = { message, ...times }
  return { apiVersion: 'v1', kind: 'Event', metadata: { name: 'an-event' }, ...told }
}
const why = (...events: readonly KubeObject[]): string | undefined =>
  whyRefused('demo-brokers', events, sinceMs)
const failed = (index: number, error: string): string =>
  `Create Pod demo-brokers-${index} in StatefulSet demo-brokers failed error: ${error}`

test.each([
  [
    failed(0, 'pods "demo-brokers-0" is forbidden: exceeded quota: few, requested: pods=1, limited: pods=2'),
    'pods of StatefulSet demo-brokers: exceeded quota: few, requested: pods=1, limited: pods=2.',
  ],
  [
    failed(1, 'admission webhook "no.example" denied the request: Pod demo-brokers-1 has no owner.'),
    'pods of StatefulSet demo-brokers: admission webhook "no.example" denied the request: Pod demo-brokers-N has no owner.',
  ],
  [
    'Create Claim data-demo-brokers-2 Pod demo-brokers-2 in StatefulSet demo-brokers failed error: persistentvolumeclaims "data-demo-brokers-2" is forbidden: exceeded quota: few',
    'volume claims of StatefulSet demo-brokers: exceeded quota: few.',
  ],
  ['something else', 'pods of StatefulSet demo-brokers: something else.'],
])('%s', (message, told) => {
  const sentence = `Kubernetes does not take ${told}`
  expect(why(event(message))).toBe(sentence)
  expect(why(event(`(combined from similar events): ${message}`))).toBe(
    message === 'something else'
      ? sentence.replace('something', '(combined from similar events): something')
      : sentence,
  )
})

test('the newest is told, whatever its time is called, and the same for several of one second', () => {
  const older = event(failed(0, 'older'), { firstTimestamp: at(0), lastTimestamp: at(10), eventTime: null })
  const newer = event(failed(1, 'newer'), {
    lastTimestamp: null,
    eventTime: at(0),
    series: { lastObservedTime: at(11) },
  })
  const sentence = 'Kubernetes does not take pods of StatefulSet demo-brokers: newer.'
  expect(why(older, newer)).toBe(sentence)
  expect(why(newer, older)).toBe(sentence)
  const [a, b] = [event(failed(0, 'a')), event(failed(1, 'b'))]
  expect(why(a, b)).toBe(why(b, a))
})

test('what was refused before these pods were missing is not told', () => {
  expect(why()).toBeUndefined()
  expect(why(event(failed(0, 'long ago'), { lastTimestamp: at(-3600) }))).toBeUndefined()
  expect(why(event(failed(0, 'of no time'), {}))).toBeUndefined()
  expect(why(event(failed(0, 'just before we saw it'), { lastTimestamp: at(-2) }))).toMatch(/just before/)
})

test('a StatefulSet lacks pods when one of those it asks for is not there', () => {
  const object = (kind: string, name: string, more: Partial<KubeObject> = {}): KubeObject => ({
    apiVersion: 'v1',
    kind,
    ...more,
    metadata: { name, ...more.metadata },
  })
  const set = (replicas?: number): KubeObject =>
    object('StatefulSet', 'demo-brokers', { spec: replicas === undefined ? {} : { replicas } })
  const pods = [0, 2].map(index => object('Pod', `demo-brokers-${index}`))
  const names = (...children: readonly KubeObject[]): string[] =>
    lackingPods(children).map(({ metadata }) => metadata.name)
  expect(names(set(3), ...pods)).toEqual(['demo-brokers'])
  expect(names(set(2), ...pods)).toEqual(['demo-brokers'])
  expect(names(set(1), ...pods)).toEqual([])
  expect(names(set(), ...pods)).toEqual([])
  expect(names(set(), object('ConfigMap', 'demo-brokers-0'))).toEqual(['demo-brokers'])
  expect(names(set(0))).toEqual([])
  const ending = object('Pod', 'demo-brokers-1', {
    metadata: { name: 'demo-brokers-1', deletionTimestamp: since },
  })
  expect(names(set(3), ...pods, ending)).toEqual([])
  const going = { ...set(3), metadata: { name: 'demo-brokers', deletionTimestamp: since } }
  expect(names(going)).toEqual([])
})
