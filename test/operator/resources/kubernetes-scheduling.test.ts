import { expect, test } from 'vitest'
import { formatPath, readResource } from '../../../operator/resources/read-resource.ts'

const read = (spec: unknown) =>
  readResource({ apiVersion: 'barnabas.dev/v1', kind: 'Cluster', metadata: { name: 'demo' }, spec })
const mistakesOf = (spec: unknown): string[] =>
  read(spec).mistakes.map(({ path, sentence }) => `${formatPath(path)} ${sentence}`)

const hostname = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'kafka' } } }

test('what is right stays as it was written', () => {
  const template = {
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'cores', operator: 'Gt', values: ['7'] }] }],
        },
      },
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: hostname }],
        requiredDuringSchedulingIgnoredDuringExecution: [
          { ...hostname, namespaceSelector: {}, matchLabelKeys: ['release'] },
        ],
      },
    },
    tolerations: [{ operator: 'Exists', effect: '', tolerationSeconds: -1 }, {}],
    topologySpreadConstraints: [
      { topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 1, nodeTaintsPolicy: 'Honor' },
    ],
  }
  const allowFrom = [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }, { podSelector: {} }]
  const spec = { brokers: { template }, listeners: [{ name: 'internal', port: 9092, allowFrom }] }
  expect(read(spec)).toMatchObject({
    resource: { cluster: { spec: { brokers: { template }, listeners: [{ allowFrom }] } } },
  })
})

test('a slip of the pen is told with its path, however deep it is', () => {
  const template = {
    affinity: {
      nodeAfinity: {},
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'in', value: ['ssd'] }] }],
        },
      },
      podAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 101, podAffinityTerm: {} }],
      },
    },
    tolerations: [{ effect: 'NoSchedul', tolerationSeconds: '60' }],
    topologySpreadConstraints: [{ topologyKey: '', maxSkew: 0 }],
  }
  const allowFrom = [{ podSelektor: {} }, { ipBlock: {} }, { podSelector: { matchLabels: { port: 9092 } } }]
  const affinity = 'spec.brokers.template.affinity'
  const expression = `${affinity}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0]`
  const preferred = `${affinity}.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0]`
  const spread = 'spec.brokers.template.topologySpreadConstraints[0]'
  expect(mistakesOf({ brokers: { template }, listeners: [{ name: 'a', port: 9092, allowFrom }] })).toEqual([
    'spec.brokers.template.tolerations[0].effect must be NoSchedule, PreferNoSchedule, NoExecute or ""',
    'spec.brokers.template.tolerations[0].tolerationSeconds must be a whole number',
    `${expression}.operator must be In, NotIn, Exists, DoesNotExist, Gt or Lt`,
    `${expression}.value is not a field; is values meant?`,
    `${preferred}.weight must be at most 100`,
    `${preferred}.podAffinityTerm.topologyKey must be text`,
    `${affinity}.nodeAfinity is not a field; is nodeAffinity meant?`,
    `${spread}.topologyKey must not be empty`,
    `${spread}.whenUnsatisfiable must be DoNotSchedule or ScheduleAnyway`,
    `${spread}.maxSkew must be at least 1`,
    'spec.listeners[0].allowFrom[0].podSelektor is not a field; is podSelector meant?',
    'spec.listeners[0].allowFrom[1].ipBlock.cidr must be text',
    'spec.listeners[0].allowFrom[2].podSelector.matchLabels.port must be text; put it in quotes',
  ])
})
