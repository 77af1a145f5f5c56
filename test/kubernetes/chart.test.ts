/** The chart on a real API server, under both lines of helm: what it installs, protects, may do, and leaves behind. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitUntil } from '../targets/processes.ts'
import { helmVersions } from '../charts/render.ts'
import { useKubernetes } from './fixture.ts'
import { asTrial, exampleOf, installChart, operatorNamespace, uninstallChart } from './operator-chart.ts'

const fixture = useKubernetes('chart')

beforeAll(async () => {
  await install('3.17')
  const names = ['crd/clusters.barnabas.dev', 'crd/topics.barnabas.dev']
  await fixture.kubernetes.kubectl(['wait', '--for=condition=Established', '--timeout=30s', ...names])
})

afterAll(async () => {
  await fixture.kubernetes.kubectl([
    'delete',
    'namespace',
    operatorNamespace,
    '--ignore-not-found',
    '--timeout=60s', // the next file installs into it
  ])
})

/** No operator runs: this is about the chart alone. */
function install(helm: '3.17' | '4.1', values: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const { kubernetes, image, namespace } = fixture
  return installChart(kubernetes, helm, image, { replicas: 0, 'watch.namespaces': [namespace], ...values })
}

function kubectl(...args: readonly string[]): ReturnType<typeof fixture.kubernetes.tryKubectl> {
  return fixture.kubernetes.tryKubectl(['-n', fixture.namespace, ...args])
}

function manifest(kind: 'Cluster' | 'Topic', name: string, spec: string): string {
  return `{apiVersion: barnabas.dev/v1, kind: ${kind}, metadata: {name: ${name}}, spec: ${spec}}`
}

async function apply(text: string): Promise<void> {
  await fixture.kubernetes.apply(text, ['-n', fixture.namespace])
}

test('a Cluster with an empty spec is taken, and its fields are explained', async () => {
  await apply(manifest('Cluster', 'kept', '{}'))
  const { stdout } = await kubectl('explain', 'clusters.barnabas.dev.spec.brokers.replicas')
  expect(stdout).toContain('Number of brokers')
  expect((await kubectl('get', 'barnabas')).stdout).toContain('kept')
})

test('a Cluster is protected from deletion until that is switched off', async () => {
  await waitUntil('the policy is in force', async () => {
    const { exit } = await kubectl('delete', 'bnc', 'kept', '--dry-run=server')
    return exit !== 0 || undefined
  })
  const refused = await kubectl('delete', 'bnc', 'kept')
  expect(refused.exit).not.toBe(0)
  expect(refused.stderr).toContain(
    'Cluster kept is protected from deletion: set spec.deletionProtection to false first.',
  )
  await apply(manifest('Cluster', 'kept', '{deletionProtection: false}'))
  expect(await kubectl('delete', 'bnc', 'kept')).toMatchObject({ exit: 0 })
})

test('a Topic can be deleted unless it asks for protection', async () => {
  await apply(manifest('Topic', 'free', '{clusterRef: {name: kept}}'))
  await apply(manifest('Topic', 'protected', '{clusterRef: {name: kept}, deletionProtection: true}'))
  expect(await kubectl('delete', 'bnt', 'free')).toMatchObject({ exit: 0 })
  const refused = await kubectl('delete', 'bnt', 'protected')
  expect(refused.stderr).toContain('Topic protected is protected from deletion')
  await apply(manifest('Topic', 'protected', '{clusterRef: {name: kept}, deletionProtection: false}'))
  expect(await kubectl('delete', 'bnt', 'protected')).toMatchObject({ exit: 0 })
})

test('the operator may do what it needs where it looks, and nothing elsewhere', async () => {
  const account = `--as=system:serviceaccount:${operatorNamespace}:barnabas`
  const may = async (namespace: string, ...what: readonly string[]): Promise<string> => {
    const { stdout } = await fixture.kubernetes.tryKubectl([
      '-n',
      namespace,
      'auth',
      'can-i',
      account,
      ...what,
    ])
    return stdout.trim()
  }
  const { namespace } = fixture
  expect(await may(namespace, 'create', 'statefulsets.apps')).toBe('yes')
  expect(await may(namespace, 'patch', 'topics.barnabas.dev/status')).toBe('yes')
  expect(await may(namespace, 'delete', 'pods')).toBe('yes')
  expect(await may(namespace, 'list', 'nodes')).toBe('yes')
  expect(await may(operatorNamespace, 'update', 'leases.coordination.k8s.io')).toBe('yes')
  expect(await may(namespace, 'get', 'secrets')).toBe('no')
  expect(await may(namespace, 'create', 'pods')).toBe('no')
  expect(await may(namespace, 'create', 'pods/exec')).toBe('no')
  expect(await may('default', 'list', 'configmaps')).toBe('no')
  expect(await may('default', 'list', 'clusters.barnabas.dev')).toBe('no')
})

test('whoever may edit a namespace may edit its Clusters and Topics', async () => {
  const { kubernetes, namespace } = fixture
  await kubernetes.kubectl([
    '-n',
    namespace,
    'create',
    'rolebinding',
    'editors',
    '--clusterrole=edit',
    '--user=eva',
  ])
  await waitUntil('rights are gathered', async () => {
    const { stdout } = await kubectl('auth', 'can-i', '--as=eva', 'create', 'topics.barnabas.dev')
    return stdout.trim() === 'yes' || undefined
  })
})

test('an upgrade by the other helm takes effect', async () => {
  const notes = await install('4.1', { logLevel: 'debug' })
  const tried = await fixture.kubernetes.shell(asTrial(exampleOf(notes)))
  expect(tried).toMatch(/kafka created[^]*orders created/)
  const { stdout } = await fixture.kubernetes.tryKubectl([
    '-n',
    operatorNamespace,
    'get',
    'deployment/barnabas',
    '-o',
    'yaml',
  ])
  expect(stdout).toMatch(/name: LOG_LEVEL\n\s+value: debug/)
})

test.each(helmVersions)(
  'by helm %s test, a Cluster comes up and a record goes there and back',
  async version => {
    const { kubernetes } = fixture
    await install(version, { replicas: 1 })
    await kubernetes.kubectl([
      '-n',
      operatorNamespace,
      'rollout',
      'status',
      'deployment/barnabas',
      '--timeout=60s',
    ])
    const { exit, stdout, stderr } = await kubernetes.tryHelm(version, [
      'test',
      'barnabas',
      '--namespace',
      operatorNamespace,
      '--timeout',
      '150s',
    ])
    expect({ exit, said: stdout + stderr }).toMatchObject({
      exit: 0,
      said: expect.stringContaining('Succeeded'),
    })
    await install(version)
  },
)

test('a Topic can be deleted after the operator is gone, unless the chart was told to stay for it', async () => {
  const { kubernetes, namespace } = fixture
  await apply(
    manifest(
      'Cluster',
      'owner',
      '{deletionProtection: false, brokers: {replicas: 1}, etcd: {managed: {replicas: 1}}}',
    ),
  )
  await apply(manifest('Topic', 'held', '{clusterRef: {name: owner}, reclaimPolicy: Delete}'))
  await install('4.1', { replicas: 1, 'uninstall.finalizers': 'Refuse' })
  await kubernetes.kubectl(['-n', namespace, 'wait', 'bnt/held', '--for=condition=Ready', '--timeout=120s'])
  const uninstall = ['uninstall', 'barnabas', '--namespace', operatorNamespace]
  expect((await kubernetes.tryHelm('4.1', uninstall)).exit).not.toBe(0)
  const said = await kubernetes.kubectl(['-n', operatorNamespace, 'logs', 'job/barnabas-uninstall'])
  expect(said).toContain(`These Topics are still looked after: ${namespace}/held.`)

  await setReclaimPolicy('Retain')
  await uninstallChart(kubernetes, '4.1')

  await install('4.1', { replicas: 1 })
  await setReclaimPolicy('Delete')
  await uninstallChart(kubernetes, '4.1')
  expect(await kubectl('delete', 'bnt', 'held', '--timeout=20s')).toMatchObject({ exit: 0 })
  expect(await kubectl('delete', 'bnc', 'owner', '--timeout=20s')).toMatchObject({ exit: 0 })
  await install('3.17')
})

/** Resolves when the operator has taken hold of the Topic, or let it go. */
async function setReclaimPolicy(policy: 'Retain' | 'Delete'): Promise<void> {
  await kubectl('patch', 'bnt', 'held', '--type=merge', '-p', `{"spec":{"reclaimPolicy":"${policy}"}}`)
  await waitUntil(`the Topic is as ${policy} asks`, async () => {
    const { stdout } = await kubectl('get', 'bnt', 'held', '-o', 'jsonpath={.metadata.finalizers}')
    return stdout.includes('barnabas.dev/topic') === (policy === 'Delete') || undefined
  })
}

test('Clusters outlive the chart, and are there when it comes back', async () => {
  await apply(manifest('Cluster', 'survivor', '{deletionProtection: false}'))
  await uninstallChart(fixture.kubernetes, '3.17')
  expect((await kubectl('get', 'bnc', 'survivor')).exit).toBe(0)
  await install('4.1')
  expect((await kubectl('get', 'bnc', 'survivor')).exit).toBe(0)
  await uninstallChart(fixture.kubernetes, '4.1')
})
