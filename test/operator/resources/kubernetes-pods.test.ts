import { expect, test } from 'vitest'
import { notHonouredLocally } from '../../../operator/resources/local-run.ts'
import { formatPath, readResource } from '../../../operator/resources/read-resource.ts'

const read = (spec: unknown) =>
  readResource({ apiVersion: 'barnabas.dev/v1', kind: 'Cluster', metadata: { name: 'demo' }, spec })
const mistakesOf = (spec: unknown): string[] =>
  read(spec).mistakes.map(({ path, sentence }) => `${formatPath(path)} ${sentence}`)

test('what is right stays as it was written', () => {
  const resources = { requests: { cpu: 1, memory: '4Gi' }, limits: { 'nvidia.com/gpu': '1' } }
  const template = {
    securityContext: { runAsUser: 0, runAsNonRoot: false, sysctls: [{ name: 'a', value: '' }] },
    env: [
      { name: 'A', valueFrom: { secretKeyRef: { name: 'a', key: 'b', optional: true } } },
      { name: 'B', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
    ],
    imagePullSecrets: [{ name: 'registry' }],
  }
  expect(read({ brokers: { resources, template }, etcd: { managed: { resources } } })).toMatchObject({
    resource: {
      cluster: { spec: { brokers: { resources, template }, etcd: { managed: { resources } } } },
    },
  })
})

test.each(['1', '0', '1.5', '.5', '5.', '-1', '+1G', '100m', '250u', '3n', '64Ki', '1e3', '1E-3', 2, 0.5])(
  '%s is a quantity',
  cpu => expect(mistakesOf({ brokers: { resources: { limits: { cpu } } } })).toEqual([]),
)

test.each(['', '.', '4GiB', '4 Gi', '1 core', '1K', 'Gi', '1e', '0x1', true, null])(
  '%s is no quantity',
  cpu =>
    expect(mistakesOf({ brokers: { resources: { limits: { cpu } } } })).toEqual([
      'spec.brokers.resources.limits.cpu must be a quantity such as 500m, 2 or 4Gi',
    ]),
)

test('a slip of the pen is told with its path, however deep it is', () => {
  const spec = {
    brokers: {
      resources: { limit: {}, limits: { memori: '1Gi', 'hugepages-2Mi': '2Mi', 'a.b/c': 1 } },
      template: {
        securityContext: { runAsUsr: 1, runAsGroup: -1, fsGroupChangePolicy: 'Never', seccompProfile: {} },
        env: [{ name: 'A', valueFrom: { configMapKeyRef: { key: 'b', optinal: true } } }],
        imagePullSecrets: [{}, 'registry'],
      },
    },
    etcd: { managed: { resources: { requests: { cpus: 1 }, claims: [{ request: 'a' }] } } },
  }
  const others = 'hugepages-SIZE or a name with a domain such as nvidia.com/gpu'
  const template = 'spec.brokers.template'
  expect(mistakesOf(spec)).toEqual([
    `spec.brokers.resources.limits.memori must be cpu, memory, ephemeral-storage, ${others}`,
    'spec.brokers.resources.limit is not a field; is limits meant?',
    `${template}.securityContext.runAsGroup must be at least 0`,
    `${template}.securityContext.fsGroupChangePolicy must be OnRootMismatch or Always`,
    `${template}.securityContext.seccompProfile.type must be Unconfined, RuntimeDefault or Localhost`,
    `${template}.securityContext.runAsUsr is not a field; is runAsUser meant?`,
    `${template}.env[0].valueFrom.configMapKeyRef.name must be text`,
    `${template}.env[0].valueFrom.configMapKeyRef.optinal is not a field; is optional meant?`,
    `${template}.imagePullSecrets[0].name must be text`,
    `${template}.imagePullSecrets[1] must be a map`,
    `spec.etcd.managed.resources.requests.cpus must be cpu, memory, ephemeral-storage, ${others}`,
    'spec.etcd.managed.resources.claims[0].name must be text',
  ])
})

test('a local run speaks of them once, not of every field inside', () => {
  const resources = { limits: { cpu: 1 }, requests: { cpu: 1 } }
  const template = { affinity: { podAntiAffinity: {} }, tolerations: [{ operator: 'Exists' }] }
  expect(
    notHonouredLocally('Cluster', { spec: { brokers: { resources, template } } }).map(({ path }) =>
      formatPath(path),
    ),
  ).toEqual(['spec.brokers.resources', 'spec.brokers.template.affinity', 'spec.brokers.template.tolerations'])
})
