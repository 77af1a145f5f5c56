/**
 * README's section about Kubernetes, as a person goes through it: its commands as they stand there, in their order, and what
 * it says one sees. Its capital words are filled in: NAME and TAG are the image that nodes have, and with it etcd's, for
 * nothing is pulled here; NEW is the same image under another tag; NODE is the node with the fewest brokers; HASH stands in
 * the plan that was shown last.
 */
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { waitUntil } from '../../targets/processes.ts'
import { Kubernetes } from '../kubernetes.ts'
import { numbered, OperatedCluster } from '../operated-cluster.ts'
import { asTrial, exampleOf, imageValues, operatorNamespace, release } from '../operator-chart.ts'
import { giveImage } from '../prepared-cluster.ts'
import { installDefinitions } from '../prometheus-operator.ts'
import { kubernetesParts } from '../readme-commands.ts'

const kubernetes = new Kubernetes(inject('cluster'))
const image = inject('image')
const operated = new OperatedCluster({ kubernetes, image, namespace: 'default' })
const next = `${image}-next`
const cluster = 'bnc/three-brokers'
const bootstrap = 'three-brokers-bootstrap.default:9092'
const brokerPods = ['-l', 'barnabas.dev/cluster=three-brokers,app.kubernetes.io/component=broker']
const records = numbered(0, 1000)

beforeAll(async () => {
  await Promise.all([giveImage(kubernetes, next), installDefinitions(kubernetes)])
})

afterAll(async () => {
  const away = [
    `kubectl patch ${cluster} --type=merge -p '{"spec":{"deletionProtection":false}}'`,
    'kubectl delete bnc,bnt --all --wait=false',
    `helm uninstall ${release} --namespace ${operatorNamespace} --wait`,
    'kubectl delete pvc -l barnabas.dev/cluster=three-brokers --wait=false',
    `kubectl uncordon ${kubernetes.nodes.join(' ')}`,
  ]
  // All but the last fail when the tests came to their end.
  for (const line of away) await kubernetes.shell(line).catch(() => {})
})

let example = ''
let hash = ''
let node: string | undefined
let pods: ReadonlyMap<string, Pod>

const filledIn: readonly (readonly [words: RegExp, by: () => string | Promise<string>])[] = [
  [
    /image\.repository=NAME,image\.tag=TAG/,
    () =>
      Object.entries(imageValues(kubernetes, image))
        .map(entry => entry.join('='))
        .join(),
  ],
  [/\bNEW\b/, () => next.split(':').at(-1) ?? ''],
  [/\bHASH\b/, () => hash],
  [/\bNODE\b/, async () => (node ??= await nodeOfOneBroker())],
]

/** Words of a command → what is waited for before it, as a person would, and what is to be seen after it. */
interface Sight {
  readonly before?: () => Promise<unknown>
  readonly after: (said: string) => Promise<unknown> | void
}

const sights: Readonly<Record<string, Sight>> = {
  'helm install': {
    after: said => {
      example = exampleOf(said)
    },
  },
  'helm test': {
    after: async said => {
      expect(said).toMatch(/^Phase: +Succeeded$/m)
      expect(await kubernetes.shell(asTrial(example))).toMatch(/kafka created[^]*orders created/)
    },
  },
  'kubectl apply -f examples': {
    after: said => expect(said).toMatch(/three-brokers created[^]*orders created/),
  },
  '=Ready cluster': {
    after: async () => {
      await reachedFromItsNamespace('three-brokers-bootstrap:9092')
      await operated.until('bnt/orders', 'Ready', 'True')
      const input = records.map(record => `${record}\n`).join('')
      const produce = ['kcat', '-P', '-b', bootstrap, '-t', 'orders', '-X', 'acks=all']
      expect(await kubernetes.runInside(produce, { input })).toMatchObject({ exit: 0 })
    },
  },
  'kubectl get barnabas': {
    after: said => {
      expect(said).toMatch(/three-brokers +True +3\/3 +True/)
      expect(said).toMatch(/\/orders +three-brokers +6 +3 +True/)
    },
  },
  'kubectl describe cluster': {
    after: said =>
      expect(said).toMatch(/Conditions:[^]*Message: +\w+[^]*Bootstrap: +three-brokers-bootstrap/),
  },
  '=Ready topic': {
    after: async () => expect(await listed('payments')).toContain('"payments" with 12 partitions'),
  },
  'kubectl explain': {
    after: said => expect(said).toMatch(/FIELDS:[^]*clusterRef[^]*Restart: no/),
  },
  'kubectl scale': {
    after: async () => {
      await operated.until(cluster, 'Ready', 'True')
      await waitUntil(
        'new brokers have replicas',
        async () => /replicas: [\d,]*3[^]*replicas: [\d,]*4/.test(await listed('payments')) || undefined,
        { deadlineMs: 90_000, everyMs: 1000 },
      )
      await operated.until(cluster, 'Progressing', 'False')
      pods = await brokersPods()
      expect(pods.size).toBe(5)
    },
  },
  '{.status.plan}': {
    before: () => operated.until(cluster, 'UpToDate', 'False', 'ApprovalNeeded'),
    after: said => {
      const plan = JSON.parse(said) as Plan
      expect(plan.steps.map(({ broker }) => broker).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4])
      expect(plan.steps[0]?.reason).toBe('settings change: queued.max.requests')
      hash = plan.hash
    },
  },
  'kubectl annotate': {
    before: async () => expect(await brokersPods()).toEqual(pods),
    after: async () => {
      await operated.until(cluster, 'UpToDate', 'True', undefined, 240_000)
      await operated.until(cluster, 'Ready', 'True')
      expect(await stay()).toEqual([])
    },
  },
  'kubectl drain': {
    after: async () =>
      expect([...(await brokersPods()).values()].filter(({ isReady }) => !isReady)).toHaveLength(1),
  },
  'kubectl uncordon': {
    after: async () => {
      await operated.kubectl('wait', 'pod', ...brokerPods, '--for=condition=Ready', '--timeout=120s')
      await operated.until(cluster, 'Degraded', 'False')
      await operated.until(cluster, 'Ready', 'True')
    },
  },
  '--set podMonitor': {
    after: async () => {
      // What the Prometheus operator's definitions do not have would be left out in silence.
      const made = await kubernetes.shell(`helm get manifest ${release} --namespace ${operatorNamespace}`)
      const strictly = ['-n', operatorNamespace, '--dry-run=server', '--validate=strict']
      const said = await kubernetes.apply(made, strictly)
      for (const kind of ['podmonitor.monitoring', 'prometheusrule.monitoring', 'configmap/'])
        expect(said).toContain(kind)
      await operated.until(cluster, 'Ready', 'True')
    },
  },
  '--set image.tag': {
    before: async () => {
      pods = await brokersPods()
    },
    after: async () => {
      await operated.operatorReady()
      const { message } = await operated.until(cluster, 'UpToDate', 'False', 'ApprovalNeeded')
      expect(message).toContain(`image changes from ${image} to ${next}`)
      expect(await brokersPods()).toEqual(pods)
    },
  },
  '"deletionProtection"': {
    before: async () => {
      const refused = await kubernetes.tryKubectl(['delete', cluster, '--dry-run=server'])
      expect(refused.stderr).toContain('is protected from deletion')
      const consume = ['kcat', '-C', '-b', bootstrap, '-t', 'orders', '-o', 'beginning', '-e', '-q']
      const { stdout } = await kubernetes.runInside(consume)
      expect(stdout.trim().split('\n').sort()).toEqual(records)
    },
    after: () => {},
  },
  'helm uninstall': {
    after: async () => {
      expect(await kubernetes.kubectl(['get', 'crd', '-o', 'name'])).toContain('clusters.barnabas.dev')
      expect(await operated.kubectl('get', 'pvc', '-o', 'name')).toContain('three-brokers-brokers-4')
    },
  },
  'kubectl delete namespace': {
    after: async () => {
      const kinds =
        'pods,services,configmaps,persistentvolumeclaims,statefulsets,poddisruptionbudgets,roles,serviceaccounts'
      const left = await operated.kubectl('get', kinds, '-l', 'barnabas.dev/cluster', '-o', 'name')
      expect(left).toBe('')
      const wide =
        'clusterroles,clusterrolebindings,validatingadmissionpolicies,customresourcedefinitions,namespaces'
      expect(await kubernetes.kubectl(['get', wide, '-o', 'name'])).not.toMatch(/\/barnabas|barnabas\.dev/)
    },
  },
}

const seen = new Set<string>()

test.each(kubernetesParts())('$title', { timeout: 600_000 }, async ({ commands }) => {
  for (const command of commands) await perform(command)
})

test('nothing is looked for after a command that README does not have', () => {
  expect(Object.keys(sights).filter(words => !seen.has(words))).toEqual([])
})

async function perform(command: string): Promise<void> {
  const words = Object.keys(sights).find(each => command.includes(each))
  const sight = words === undefined ? undefined : sights[words]
  seen.add(words ?? '')
  await sight?.before?.()
  let line = command
  for (const [words, by] of filledIn) if (words.test(line)) line = line.replace(words, await by())
  const said = await kubernetes.shell(line)
  await sight?.after(said)
}

interface Plan {
  readonly hash: string
  readonly steps: readonly { readonly broker: number; readonly reason: string }[]
}

interface Pod {
  readonly uid: string
  readonly node: string
  readonly isReady: boolean
}

interface Pods {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly uid: string }
    readonly spec: { readonly nodeName?: string }
    readonly status: {
      readonly conditions?: readonly { readonly type: string; readonly status: string }[]
    }
  }[]
}

/** By name. */
async function brokersPods(): Promise<ReadonlyMap<string, Pod>> {
  const { items } = await kubernetes.get<Pods>(['-n', 'default', 'pods', ...brokerPods])
  return new Map(
    items.map(({ metadata, spec, status }) => [
      metadata.name,
      {
        uid: metadata.uid,
        node: spec.nodeName ?? '',
        isReady:
          status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false,
      },
    ]),
  )
}

/** Names of pods that are still those of `pods`. */
async function stay(): Promise<readonly string[]> {
  return [...(await brokersPods())]
    .filter(([name, { uid }]) => pods.get(name)?.uid === uid)
    .map(([name]) => name)
}

/** Five brokers on three nodes: one node has but one. */
async function nodeOfOneBroker(): Promise<string> {
  const nodes = [...(await brokersPods()).values()].map(({ node }) => node)
  const alone = kubernetes.nodes.find(node => nodes.filter(each => each === node).length === 1)
  if (alone === undefined) throw new Error(`No node has exactly one broker; they stand on ${nodes.join()}.`)
  return alone
}

/** By the name that only pods of the same namespace may use. */
async function reachedFromItsNamespace(address: string): Promise<void> {
  const check = ['/app/cli/main.js', 'check', '--bootstrap-server', address]
  await operated.kubectl(
    'run',
    'check',
    '--rm',
    '--stdin',
    '--restart=Never',
    `--image=${image}`,
    '--',
    ...check,
  )
}

async function listed(topic: string): Promise<string> {
  const { stdout } = await kubernetes.runInside(['kcat', '-L', '-b', bootstrap, '-t', topic])
  return stdout
}
