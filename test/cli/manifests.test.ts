import { expect, test } from 'vitest'
import { readManifests } from '../../cli/manifests.ts'

const cluster = `apiVersion: barnabas.dev/v1
kind: Cluster
metadata:
  name: demo
spec:
  brokers:
    replicas: 1
`

const topic = `apiVersion: barnabas.dev/v1
kind: Topic
metadata:
  name: orders
spec:
  clusterRef:
    name: demo
`

function read(...texts: string[]) {
  return readManifests(texts.map((text, index) => ({ name: `${'abc'[index]}.yaml`, text })))
}

test('several documents in several files make one cluster with its topics', () => {
  const { clusters, topics, mistakes, notes } = read(
    `${cluster}---\n${topic}`,
    topic.replace('orders', 'bills'),
  )
  expect(mistakes).toEqual([])
  expect(notes).toEqual([])
  expect(clusters.map(found => found.cluster.metadata.name)).toEqual(['demo'])
  expect(topics.map(found => found.topic.metadata.name)).toEqual(['orders', 'bills'])
})

test('every mistake says file and line, and all are told', () => {
  const wrong = `${cluster.replace('replicas: 1', 'replicas: 0\n    colour: blue')}---\n${topic.replace('demo', 'demo\n  partitions: none')}`
  expect(read(wrong).mistakes).toEqual([
    'a.yaml:7: spec.brokers.replicas must be at least 1.',
    'a.yaml:8: spec.brokers.colour is not a field; remove it.',
    'a.yaml:17: spec.partitions must be a whole number from 1 to 10000.',
  ])
})

test('a field that is missing is told where it should be', () => {
  const { mistakes } = read(
    cluster,
    'apiVersion: barnabas.dev/v1\nkind: Topic\nmetadata:\n  name: a\nspec:\n  partitions: 1\n',
  )
  expect(mistakes).toEqual(['b.yaml:6: spec.clusterRef must be there, with the name of a Cluster.'])
})

test('what is not YAML is told with its line', () => {
  expect(read(`${cluster}---\na: [1\nb: 2\n`).mistakes[0]).toMatch(/^a\.yaml:\d+: This is not YAML: /)
})

test('objects of others are passed over with a note, as are those of a later version', () => {
  const { mistakes, notes } = read(
    `${cluster}---\napiVersion: v1\nkind: Namespace\nmetadata: { name: x }\n---\napiVersion: barnabas.dev/v1\nkind: User\nmetadata: { name: u }\n`,
  )
  expect(mistakes).toEqual([])
  expect(notes).toEqual([
    'a.yaml:9: v1 Namespace is passed over; a local run takes only Cluster and Topic.',
    'a.yaml:13: barnabas.dev/v1 User is passed over; a local run takes only Cluster and Topic.',
  ])
})

test('fields that only Kubernetes honours are noted with their line, unsafe ones refused', () => {
  const { mistakes, notes } = read(
    `${cluster}  version: "1.2"\n  listeners:\n    - { name: a, port: 9092, authentication: Scram }\n`,
  )
  expect(notes).toEqual(['a.yaml:8: spec.version has no effect here; only a cluster on Kubernetes has it.'])
  expect(mistakes).toHaveLength(1)
  expect(mistakes[0]).toMatch(/^a\.yaml:10: spec\.listeners\[0\]\.authentication cannot be honoured/)
})

test('one cluster is run at a time, and topics belong to it', () => {
  expect(read(cluster, cluster.replace('demo', 'other')).mistakes).toEqual([
    'b.yaml:4: A second Cluster, other, beside demo; run each on its own.',
  ])
  expect(read(cluster, topic.replace('name: demo', 'name: other')).mistakes).toEqual([
    'b.yaml:7: spec.clusterRef.name is other, but the Cluster here is demo.',
  ])
  expect(read(topic).mistakes).toEqual(['a.yaml:1: There is no Cluster in the files; add one.'])
  expect(read('').mistakes).toEqual(['There is no Cluster in the files; add one.'])
})

test('two Topics cannot mean the same topic', () => {
  const again = topic
    .replace('name: orders', 'name: again')
    .replace('clusterRef', 'topicName: orders\n  clusterRef')
  expect(read(cluster, topic, again).mistakes).toEqual([
    'c.yaml:1: The topic orders is there already, at b.yaml:1.',
  ])
})
