/** The chart under both lines of helm: what it renders, and what it refuses. `vitest -u` writes the golden files anew. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { topicsAskedFor } from '../../packaging/alerts/broker-alerts.ts'
import { alertGroups } from '../../packaging/alerts/generated-files.ts'
import { generatedDashboards } from '../../packaging/dashboards/generated-files.ts'
import { metricsIn } from '../support/promql.ts'
import { repositoryRoot } from '../targets/kafka-jars.ts'
import { chart, helmVersions, objectsOf, render, template } from './render.ts'

const withMonitoring = ['--api-versions', 'monitoring.coreos.com/v1']

/** Golden file → values. The definitions are left out: they are compared with crds/ below. */
const goldens: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  defaults: { 'crds.install': false },
  'two-namespaces': { 'crds.install': false, 'watch.namespaces': ['orders', 'payments'] },
  everything: {
    'crds.install': false,
    commonLabels: { team: 'streams' },
    replicas: 2,
    image: {
      registry: 'registry.example',
      repository: 'kafka/barnabas',
      digest: `sha256:${'ab'.repeat(32)}`,
    },
    imagePullSecrets: [{ name: 'pull' }],
    fullnameOverride: 'kafka-operator',
    logLevel: 'debug',
    podLabels: { tier: 'system' },
    podAnnotations: { 'example.com/note': 'yes' },
    nodeSelector: { pool: 'system' },
    tolerations: [{ key: 'system', operator: 'Exists' }],
    priorityClassName: 'system-cluster-critical',
    extraEnv: [{ name: 'TZ', value: 'UTC' }],
    'serviceAccount.annotations': { 'example.com/role': 'operator' },
    podMonitor: { enabled: true, labels: { release: 'prometheus' } },
  },
}

describe.each(helmVersions)('helm %s', version => {
  test.each(Object.entries(goldens))('renders %s as the golden file has it', async (name, values) => {
    await expect(await render(version, values, withMonitoring)).toMatchFileSnapshot(`golden/${name}.yaml`)
  })

  test('the definitions are those of crds/, and stay when the chart goes', async () => {
    const rendered = objectsOf(await render(version)).filter(
      ({ kind }) => kind === 'CustomResourceDefinition',
    )
    const directory = join(repositoryRoot, 'crds')
    const files = readdirSync(directory).filter(name => name.endsWith('.yaml'))
    const expected = files.map(
      name => parse(readFileSync(join(directory, name), 'utf8')) as { spec: unknown },
    )
    expect(rendered.map(({ spec }) => spec)).toEqual(expected.map(({ spec }) => spec))
    for (const { metadata } of rendered) {
      expect(metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' })
    }
    const leftOut = objectsOf(await render(version, { 'crds.keep': false })).filter(
      ({ metadata }) => metadata.annotations?.['helm.sh/resource-policy'] !== undefined,
    )
    expect(leftOut).toEqual([])
  })

  test.each([
    [{ 'watch.namespace': 'orders' }, /namespace/],
    [{ replicaCount: 2 }, /replicaCount/],
    [{ logLevel: 'verbose' }, /logLevel/],
    [{ 'watch.namespaces': ['Not_A_Name'] }, /namespaces/],
    [{ 'resources.limit': { memory: '1Gi' } }, /'?limit'? /],
    [{ tolerations: [{ key: 'system', operater: 'Exists' }] }, /operater/],
    [{ extraEnv: [{ name: 'TZ', valeu: 'UTC' }] }, /valeu/],
    [{ extraEnv: [{ name: 'TZ', valueFrom: { secretRef: { name: 'a' } } }] }, /secretRef/],
    [{ 'affinity.nodeAfinity': {} }, /nodeAfinity/],
    [{ 'securityContext.readOnlyRootFileSystem': true }, /readOnlyRootFileSystem/],
    [{ 'securityContext.capabilities': { dorp: ['ALL'] } }, /dorp/],
    [{ 'podSecurityContext.runAsNonroot': true }, /runAsNonroot/],
    [{ topologySpreadConstraints: [{ topology: 'zone' }] }, /topology'? /],
    [{ imagePullSecrets: ['pull'] }, /imagePullSecrets/],
  ])('refuses %j by name', async (values, what) => {
    const { exit, stderr } = await template(version, values)
    expect(exit).not.toBe(0)
    expect(stderr).toMatch(what)
  })

  test('takes what Kubernetes takes, and null where a default is to go', async () => {
    const values = {
      resources: { limits: { cpu: 1, memory: null }, claims: [{ name: 'device' }] },
      tolerations: [{ key: 'system', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }],
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [] } },
      extraEnv: [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'a', key: 'token' } } }],
      'podSecurityContext.fsGroup': 7,
      'podSecurityContext.runAsUser': null,
      'securityContext.runAsUser': null,
      'securityContext.seLinuxOptions': { level: 's0:c1' },
    }
    const text = await render(version, values)
    expect(text).toContain('fsGroup: 7')
    expect(text).not.toMatch(/runAsUser: \d/)
    const operator = objectsOf(text).find(({ kind }) => kind === 'Deployment')
    expect(JSON.stringify(operator)).not.toContain('256Mi')
  })

  test('monitoring without the Prometheus operator is refused in a sentence', async () => {
    const { exit, stderr } = await template(version, { 'podMonitor.enabled': true })
    expect(exit).not.toBe(0)
    expect(stderr).toContain('needs the Prometheus operator')
  })

  test('every alert links to its runbook once one says where those are', async () => {
    const values = {
      'prometheusRule.enabled': true,
      'prometheusRule.runbookUrl': 'https://runbooks.example/kafka/',
    }
    const rule = objectsOf(await render(version, values, withMonitoring)).find(
      ({ kind }) => kind === 'PrometheusRule',
    )
    const { groups } = (rule ?? expect.fail('There is no PrometheusRule.'))['spec'] as {
      groups: { rules: { alert: string; annotations: object }[] }[]
    }
    const names = alertGroups.flatMap(({ alerts }) => alerts.map(({ name }) => name))
    const rules = groups.flatMap(group => group.rules)
    expect(rules.map(({ alert }) => alert)).toEqual(names)
    for (const { alert, annotations } of rules) {
      expect(annotations).toMatchObject({ runbook_url: `https://runbooks.example/kafka/${alert}.md` })
    }
  })

  test('that nothing is written to a topic is told of the topics that were named', async () => {
    const values = {
      prometheusRule: { enabled: true, noMessages: { topics: String.raw`orders|audit\.log` } },
    }
    const rule = objectsOf(await render(version, values, withMonitoring)).find(
      ({ kind }) => kind === 'PrometheusRule',
    )
    const { groups } = (rule ?? expect.fail('There is no PrometheusRule.'))['spec'] as {
      groups: { rules: { alert: string; expr: string }[] }[]
    }
    const rules = groups.flatMap(group => group.rules)
    const { expr = '' } = rules.find(({ alert }) => alert === 'BarnabasNoMessages') ?? {}
    expect(expr).toContain(String.raw`{topic=~"orders|audit\\.log"}`)
    expect(metricsIn(expr)).toEqual(['kafka_topic_partition_current_offset'])
    expect(expr).not.toContain(topicsAskedFor)
  })

  test('every pod of a hook says what it needs, for namespaces with a quota', async () => {
    const objects = objectsOf(await render(version)).filter(
      ({ metadata }) => metadata.annotations?.['helm.sh/hook'] !== undefined,
    )
    const pods = objects.flatMap(({ kind, spec }) => {
      if (kind === 'Pod') return [spec]
      return kind === 'Job' ? [(spec as { template: { spec: unknown } }).template.spec] : []
    }) as { containers: { resources?: object }[] }[]
    expect(pods).toHaveLength(2)
    const needed = { requests: { cpu: '50m', memory: expect.any(String) }, limits: expect.anything() }
    for (const { containers } of pods) {
      for (const { resources } of containers) expect(resources).toMatchObject(needed)
    }
    const cluster = objects.find(({ kind }) => kind === 'Cluster')?.['spec']
    expect(cluster).toMatchObject({
      brokers: { resources: needed },
      etcd: { managed: { resources: needed } },
    })
  })

  test('a dashboard is the content of a ConfigMap that the sidecar of Grafana looks for', async () => {
    const values = {
      dashboards: { enabled: true, namespace: 'monitoring', annotations: { folder: 'Kafka' } },
    }
    const maps = objectsOf(await render(version, values)).filter(({ kind }) => kind === 'ConfigMap')
    const contents = Object.assign({}, ...maps.map(({ data }) => data)) as Record<string, string>
    expect(new Set(Object.keys(contents))).toEqual(
      new Set(generatedDashboards().map(({ path }) => path.split('/').at(-1))),
    )
    for (const { metadata } of maps) {
      expect(metadata).toMatchObject({ namespace: 'monitoring', labels: { grafana_dashboard: '1' } })
    }
    for (const { path, text } of generatedDashboards()) {
      expect(JSON.parse(contents[path.split('/').at(-1) ?? ''] ?? '')).toEqual(JSON.parse(text))
    }
  })

  test('rights end where the watched namespaces do', async () => {
    const objects = objectsOf(await render(version, { 'watch.namespaces': ['orders'] }))
    const clusterRole = objects.find(
      ({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === 'barnabas',
    )
    const resources = ((clusterRole?.['rules'] ?? []) as { resources: string[] }[]).flatMap(
      rule => rule.resources,
    )
    expect(resources).toEqual(['customresourcedefinitions', 'nodes'])
    const roles = objects.filter(({ kind }) => kind === 'Role').map(({ metadata }) => metadata.namespace)
    expect(new Set(roles)).toEqual(new Set(['operators', 'orders']))
  })
})

test('every value has its place in the schema, and every place a value', () => {
  const values = parse(readFileSync(join(chart, 'values.yaml'), 'utf8')) as Record<string, unknown>
  const schema = JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8')) as Schema
  expect(placesOfSchema(schema).filter(place => place !== 'global')).toEqual(
    placesOfValues(values, schema).sort(),
  )
})

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
}

function placesOfSchema({ properties }: Schema, path = ''): string[] {
  if (properties === undefined) return [path]
  return Object.entries(properties)
    .flatMap(([name, inner]) => placesOfSchema(inner, path === '' ? name : `${path}.${name}`))
    .sort()
}

/** As deep as the schema goes. */
function placesOfValues(value: unknown, schema: Schema | undefined, path = ''): string[] {
  if (path !== '' && schema?.properties === undefined) return [path]
  return Object.entries(value as Record<string, unknown>).flatMap(([name, inner]) =>
    placesOfValues(inner, schema?.properties?.[name], path === '' ? name : `${path}.${name}`),
  )
}
