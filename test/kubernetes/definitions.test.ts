/** The definitions on a real API server: each of their rules refuses what it is about, where it is, in its sentence. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { repositoryRoot } from '../targets/kafka-jars.ts'
import { useKubernetes } from './fixture.ts'
import { installChart, uninstallChart } from './operator-chart.ts'

const fixture = useKubernetes('definitions')

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly 'x-kubernetes-validations'?: readonly { readonly message: string }[]
}

interface Definition {
  readonly spec: { readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: Schema } }] }
}

type Kind = 'Cluster' | 'Topic'

/** `spec.listeners[0].type: it cannot be …` for every rule. */
function rulesOf(kind: Kind): readonly string[] {
  const file = join(repositoryRoot, 'crds', `${kind.toLowerCase()}.yaml`)
  const { spec } = parse(readFileSync(file, 'utf8')) as Definition
  return [...rulesBelow(spec.versions[0].schema.openAPIV3Schema, '')]
}

function* rulesBelow(schema: Schema, path: string): Generator<string> {
  for (const { message } of schema['x-kubernetes-validations'] ?? [])
    yield `${path === '' ? '<nil>' : path}: ${message}`
  for (const [name, child] of Object.entries(schema.properties ?? {}))
    yield* rulesBelow(child, path === '' ? name : `${path}.${name}`)
  if (schema.items !== undefined) yield* rulesBelow(schema.items, `${path}[0]`)
}

/** What is there, and what may not become of it; in flow YAML. */
const before = {
  Cluster: '{deletionProtection: false, listeners: [{name: internal, port: 9092}]}',
  Topic: '{clusterRef: {name: kafka}, topicName: orders, partitions: 3}',
} as const

const listener = (fields: string): string => `{listeners: [{name: internal, port: 9092, ${fields}}]}`
const topicWith = (fields: string): string =>
  `{clusterRef: {name: kafka}, topicName: orders, partitions: 3, ${fields}}`

const refused: Readonly<Record<Kind, readonly string[]>> = {
  Cluster: [
    '{brokers: {storage: {type: Ephemeral}}}',
    '{brokers: {storage: {size: 1Gi}}}',
    '{brokers: {storage: {size: 20Gi}}}',
    '{brokers: {storage: {storageClassName: fast}}}',
    '{brokers: {storage: {autoGrow: {maxSize: 20Gi}}}}',
    '{etcd: {managed: {storage: {size: 5Gi}}}}',
    '{etcd: {managed: {storage: {storageClassName: fast}}}}',
    '{etcd: {managed: {backup: {schedule: 0 3 * * *}}}}',
    '{etcd: {managed: {}, tlsSecretRef: {name: etcd}}}',
    '{etcd: {managed: {}, authSecretRef: {name: etcd}}}',
    '{etcd: {managed: {}, endpoints: ["http://etcd:2379"]}}',
    '{etcd: {endpoints: ["http://etcd:2379"]}}',
    listener('type: TLSRoute'),
    listener('tls: {mode: Secret}'),
    listener('tls: {secretRef: {name: tls}}'),
    listener('tls: {issuerRef: {name: letsencrypt}}'),
    listener('authentication: Scram'),
    listener('sourceRanges: [10.0.0.0/8]'),
    '{listeners: [{name: one, port: 9092}, {name: other, port: 9092}]}',
    '{listeners: [{name: brokers, port: 9092}]}',
    '{listeners: [{name: internal, port: 9090}]}',
    '{config: {broker.id: "1"}}',
    '{config: {ssl.protocol: TLSv1.3}}',
    '{topicPolicy: {namespaces: {from: Selector}}}',
    '{rollout: {maxUnavailable: 2}}',
    '{rollout: {windows: [{schedule: 0 3 * * *, duration: 1h}]}}',
    '{logging: {categories: {log: debug}}}',
    '{monitoring: {podMonitor: {enabled: true}}}',
    '{monitoring: {rules: {enabled: true}}}',
    '{monitoring: {dashboards: {enabled: true}}}',
    '{state: Hibernated}',
    '{networkPolicy: {enabled: false}, listeners: [{name: internal, port: 9092, allowFrom: [{podSelector: {}}]}]}',
    '{topicDefaults: {replicationFactor: 5}}',
    '{topicDefaults: {minInsyncReplicas: 3}}',
  ],
  Topic: [
    '{clusterRef: {name: other}, topicName: orders, partitions: 3}',
    '{clusterRef: {name: kafka}, topicName: ., partitions: 3}',
    '{clusterRef: {name: kafka}, topicName: orders, partitions: 2}',
    '{clusterRef: {name: kafka}, partitions: 3}',
    topicWith('retention: {time: 1d}, config: {retention.ms: 1}'),
    topicWith('retention: {bytes: 1Gi}, config: {retention.bytes: 1}'),
    topicWith('cleanupPolicy: Compact, config: {cleanup.policy: delete}'),
    topicWith('minInsyncReplicas: 1, config: {min.insync.replicas: 1}'),
    topicWith('compression: Zstd, config: {compression.type: lz4}'),
    topicWith('minInsyncReplicas: 3, replicationFactor: 2'),
  ],
}

/** Names that none can have. */
const refusedNames: Readonly<Record<Kind, string>> = { Cluster: 'c'.repeat(37), Topic: 't'.repeat(250) }
const smallest = { Cluster: '{}', Topic: '{clusterRef: {name: kafka}}' } as const

const manifest = (kind: Kind, name: string, spec: string): string =>
  `{apiVersion: barnabas.dev/v1, kind: ${kind}, metadata: {name: ${name}}, spec: ${spec}}`

beforeAll(async () => {
  const { kubernetes, image, namespace } = fixture
  await installChart(kubernetes, '4.1', image, { replicas: 0, 'watch.namespaces': [namespace] })
  const names = ['crd/clusters.barnabas.dev', 'crd/topics.barnabas.dev']
  await kubernetes.kubectl(['wait', '--for=condition=Established', '--timeout=30s', ...names])
  for (const kind of ['Cluster', 'Topic'] as const)
    await kubernetes.apply(manifest(kind, 'there', before[kind]), ['-n', namespace])
})

afterAll(() => uninstallChart(fixture.kubernetes, '4.1'))

async function refusalOf(verb: 'create' | 'replace', text: string): Promise<string> {
  const args = ['-n', fixture.namespace, verb, '--dry-run=server', '-f', '-']
  const { exit, stderr } = await fixture.kubernetes.tryKubectl(args, { input: text })
  expect(exit, text).not.toBe(0)
  return stderr
}

test.each(['Cluster', 'Topic'] as const)('each rule of a %s refuses in its sentence', async kind => {
  const told = [await refusalOf('create', manifest(kind, refusedNames[kind], smallest[kind]))]
  for (const spec of refused[kind]) told.push(await refusalOf('replace', manifest(kind, 'there', spec)))
  const isTold = (rule: string): boolean => {
    const [, path = '', message = ''] = /^(\S+): (.*)$/s.exec(rule) ?? []
    return told.some(each =>
      each
        .split('\n')
        .some(line => line.includes(`${path}: Invalid value`) && line.trimEnd().endsWith(message)),
    )
  }
  const rules = rulesOf(kind)
  expect(rules.length).toBeGreaterThan(10)
  expect(
    rules.filter(rule => !isTold(rule)),
    told.join('\n'),
  ).toEqual([])
  for (const each of told)
    expect(
      rules.some(rule => each.includes(rule.replace(/^\S+: /, ''))),
      each,
    ).toBe(true)
})

test('what is there may be written again as it is', async () => {
  const args = ['-n', fixture.namespace, 'replace', '--dry-run=server', '-f', '-']
  for (const kind of ['Cluster', 'Topic'] as const)
    await fixture.kubernetes.kubectl(args, { input: manifest(kind, 'there', before[kind]) })
})
