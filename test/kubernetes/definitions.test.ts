/** The definitions on a real API server: each of their rules refuses what it is about, where it is, in its sentence. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { repositoryRoot } from '../targets/kafka-jars.ts'
import { waitUntil } from '../targets/processes.ts'
import { useKubernetes } from './fixture.ts'
import { installChart, uninstallChart } from './operator-chart.ts'
import { differencesOf, type PublishedSchema, type PublishedSchemas } from './published-schemas.ts'

const fixture = useKubernetes('definitions')

interface Schema extends PublishedSchema {
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
    '{brokers: {resources: {limits: {memori: 1Gi}}}}',
    '{brokers: {resources: {requests: {CPU: 1}}}}',
    '{etcd: {managed: {resources: {limits: {memori: 1Gi}}}}}',
    '{etcd: {managed: {resources: {requests: {CPU: 1}}}}}',
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

// ---- what a Cluster takes over from Kubernetes ----

const resources = `{
  requests: {cpu: 500m, memory: 4Gi, ephemeral-storage: 1e9, hugepages-2Mi: 64Mi, nvidia.com/gpu: 1},
  limits: {cpu: 2, memory: 4294967296, ephemeral-storage: +1G, hugepages-2Mi: 64Mi, nvidia.com/gpu: "1"}}`
const peers = `[
  {ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}},
  {namespaceSelector: {matchLabels: {team: billing}}, podSelector: {matchExpressions: [{key: app, operator: Exists}]}},
  {podSelector: {}}]`

const template = (): object =>
  parse(readFileSync(join(repositoryRoot, 'test/kubernetes/full-template.yaml'), 'utf8')) as object

test('a whole pod template of Kubernetes is taken as it is, by a Cluster and by a StatefulSet', async () => {
  const { kubernetes, namespace } = fixture
  const spec = {
    brokers: { resources: parse(resources) as object, template: template() },
    etcd: { managed: { resources: parse(resources) as object } },
    listeners: [{ name: 'internal', port: 9092, allowFrom: parse(peers) as object }],
  }
  const create = ['-n', namespace, 'create', '--dry-run=server', '-o', 'json', '-f', '-']
  const input = manifest('Cluster', 'whole', JSON.stringify(spec))
  expect(JSON.parse(await kubernetes.kubectl(create, { input }))).toMatchObject({ spec })

  const { env, ...pod } = template() as { readonly env: unknown }
  const container = { name: 'broker', image: 'broker', env, resources: spec.brokers.resources }
  const statefulSet = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'whole' },
    spec: {
      serviceName: 'whole',
      selector: { matchLabels: { app: 'whole' } },
      template: { metadata: { labels: { app: 'whole' } }, spec: { ...pod, containers: [container] } },
    },
  }
  const taken = await kubernetes.kubectl(create, { input: JSON.stringify(statefulSet) })
  expect(JSON.parse(taken)).toMatchObject({ spec: { template: { spec: { ...pod, containers: [{ env }] } } } })
  const policy = `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: whole},
    spec: {podSelector: {}, ingress: [{from: ${peers}}]}}`
  const ways = await kubernetes.kubectl(create, { input: policy })
  expect(JSON.parse(ways)).toMatchObject({ spec: { ingress: [{ from: parse(peers) as object }] } })
})

const templateWith = (fields: string): string => `{brokers: {template: {${fields}}}}`
const nodeTerms = 'requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms:'
const inTemplate = (path: string): string => `spec.brokers.template.${path}`
const inNodeAffinity = 'affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution'

test.each([
  // what is wrong → the path that is told, and what of it
  [templateWith('affinity: {nodeAfinity: {}}'), `unknown field "${inTemplate('affinity.nodeAfinity')}"`],
  [
    templateWith(`affinity: {nodeAffinity: {${nodeTerms} [{matchExpression: []}]}}}`),
    `unknown field "${inTemplate(`${inNodeAffinity}.nodeSelectorTerms[0].matchExpression`)}"`,
  ],
  [
    templateWith(`affinity: {nodeAffinity: {${nodeTerms} [{matchExpressions: [{key: a, operator: in}]}]}}}`),
    `${inTemplate(`${inNodeAffinity}.nodeSelectorTerms[0].matchExpressions[0].operator`)}: Unsupported value: "in"`,
  ],
  [
    templateWith('tolerations: [{key: a, effekt: NoSchedule}]'),
    `unknown field "${inTemplate('tolerations[0].effekt')}"`,
  ],
  [
    templateWith('tolerations: [{key: a, effect: NoSchedul}]'),
    `${inTemplate('tolerations[0].effect')}: Unsupported value: "NoSchedul"`,
  ],
  [
    templateWith('topologySpreadConstraints: [{topologyKey: zone, maxSkew: 1}]'),
    `${inTemplate('topologySpreadConstraints[0].whenUnsatisfiable')}: Required value`,
  ],
  [
    templateWith('securityContext: {runAsUsr: 1}'),
    `unknown field "${inTemplate('securityContext.runAsUsr')}"`,
  ],
  [
    templateWith('securityContext: {runAsUser: "1"}'),
    `${inTemplate('securityContext.runAsUser')}: Invalid value: "string"`,
  ],
  [
    templateWith('env: [{name: A, valueFrom: {secretKeyRef: {name: a, kei: b}}}]'),
    `unknown field "${inTemplate('env[0].valueFrom.secretKeyRef.kei')}"`,
  ],
  [
    templateWith('env: [{name: A, valueFrom: {secretKeyRef: {name: a}}}]'),
    `${inTemplate('env[0].valueFrom.secretKeyRef.key')}: Required value`,
  ],
  [templateWith('imagePullSecrets: [{nam: a}]'), `unknown field "${inTemplate('imagePullSecrets[0].nam')}"`],
  ['{brokers: {resources: {limit: {cpu: 1}}}}', 'unknown field "spec.brokers.resources.limit"'],
  ['{brokers: {resources: {limits: {cpu: 1 core}}}}', 'spec.brokers.resources.limits.cpu: Invalid value'],
  [
    '{etcd: {managed: {resources: {requests: {memory: 4GiB}}}}}',
    'spec.etcd.managed.resources.requests.memory: Invalid value',
  ],
  [listener('allowFrom: [{podSelektor: {}}]'), 'unknown field "spec.listeners[0].allowFrom[0].podSelektor"'],
  [
    listener('allowFrom: [{ipBlock: {except: []}}]'),
    'spec.listeners[0].allowFrom[0].ipBlock.cidr: Required value',
  ],
])('%s is refused when it is written', async (spec, told) => {
  expect(await refusalOf('create', manifest('Cluster', 'wrong', spec))).toContain(told)
})

test.each([
  [
    'template.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution.weight',
    /weight <integer>\s[^]*How much it counts/,
  ],
  ['template.tolerations.effect', /effect <string>\s[^]*NoExecute[^]*Effect of the taint/],
  ['resources.limits', /limits <map\[string\](IntOrString|Object)>\s[^]*The most it may use/],
])('kubectl explains %s', async (path, expected) => {
  const args = ['explain', `clusters.barnabas.dev.spec.brokers.${path}`]
  // The API server publishes new definitions after a while.
  const told = await waitUntil(`${path} is explained`, async () => {
    const { exit, stdout } = await fixture.kubernetes.tryKubectl(args)
    return exit === 0 ? stdout : undefined
  })
  expect(told).toMatch(expected)
})

/** Kubernetes lets these be left out and then refuses them, or pulls nothing with them. */
const requiredByUs = [
  'brokers.template.env.valueFrom.configMapKeyRef has required key name, and in Kubernetes key',
  'brokers.template.env.valueFrom.secretKeyRef has required key name, and in Kubernetes key',
  'brokers.template.imagePullSecrets[] has required name, and in Kubernetes none',
]

test('every field of these shapes is declared as Kubernetes publishes it, and no other', async () => {
  const apps = await publishedSchemas('apis/apps/v1')
  const networking = await publishedSchemas('apis/networking.k8s.io/v1')
  const pod = apps['io.k8s.api.core.v1.PodSpec']?.properties ?? {}
  const resourcesOfContainer = apps['io.k8s.api.core.v1.Container']?.properties?.['resources']
  const live = await fixture.kubernetes.kubectl(['get', 'crd', 'clusters.barnabas.dev', '-o', 'json'])
  const { spec } = JSON.parse(live) as Definition
  const ours = spec.versions[0].schema.openAPIV3Schema.properties?.['spec']

  const shapes: readonly (readonly [string, PublishedSchema | undefined, PublishedSchemas])[] = [
    ['brokers.resources', resourcesOfContainer, apps],
    ['etcd.managed.resources', resourcesOfContainer, apps],
    ...['affinity', 'tolerations', 'topologySpreadConstraints', 'securityContext', 'imagePullSecrets'].map(
      name => [`brokers.template.${name}`, pod[name], apps] as const,
    ),
    ['brokers.template.env.valueFrom', apps['io.k8s.api.core.v1.EnvVar']?.properties?.['valueFrom'], apps],
    [
      'listeners.allowFrom',
      networking['io.k8s.api.networking.v1.NetworkPolicyIngressRule']?.properties?.['from'],
      networking,
    ],
  ]
  const differences = shapes.flatMap(([path, published, all]) => {
    if (published === undefined) throw new Error(`Kubernetes does not publish what ${path} is.`)
    const declared = path
      .split('.')
      .reduce<PublishedSchema | undefined>((at, name) => (at?.items ?? at)?.properties?.[name], ours)
    return [...differencesOf(declared, published, all, path)]
  })
  expect(differences.sort()).toEqual(requiredByUs)
})

async function publishedSchemas(group: string): Promise<PublishedSchemas> {
  const text = await fixture.kubernetes.kubectl(['get', '--raw', `/openapi/v3/${group}`])
  return (JSON.parse(text) as { readonly components: { readonly schemas: PublishedSchemas } }).components
    .schemas
}
