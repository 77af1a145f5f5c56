/** A namespace with an operator, installed by its chart, and one Cluster called kafka in it: what tests say and ask there. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ToolName, toolCommand } from '../targets/java-tools.ts'
import { waitUntil } from '../targets/processes.ts'
import { type Fixture, useKubernetes } from './fixture.ts'
import { installChart, operatorNamespace, uninstallChart } from './operator-chart.ts'

/** `spec` is flow or block YAML that stands two spaces in. */
export const cluster = (spec = ''): string => `
apiVersion: barnabas.dev/v1
kind: Cluster
metadata: {name: kafka}
spec:
  deletionProtection: false
  etcd: {managed: {replicas: 1}}
  ${spec}
`

/** `spec` is the inner of a flow mapping: `partitions: 3, replicationFactor: 3`. */
export const topic = (name: string, spec: string): string => `
apiVersion: barnabas.dev/v1
kind: Topic
metadata: {name: ${name}}
spec: {clusterRef: {name: kafka}, ${spec}}
`

/** Records for `produce`, in the order in which `consume` gives them. */
export const numbered = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `record-${String(from + at).padStart(5, '0')}`)

const operatorPods = ['-l', 'app.kubernetes.io/name=barnabas-operator']

export interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
  readonly observedGeneration?: number
}

interface Conditions {
  readonly metadata: { readonly generation: number }
  readonly status?: { readonly conditions?: readonly Condition[] }
}

/**
 * Installs the operator for the tests of one file, in a namespace of the file's own, and uninstalls it after them. It looks
 * after that namespace, and after those of `guests` too.
 */
export function useOperator(
  prefix: string,
  values: Readonly<Record<string, unknown>> = {},
  guests: readonly Pick<Fixture, 'namespace'>[] = [],
): OperatedCluster {
  const fixture = useKubernetes(prefix)
  const operated = new OperatedCluster(fixture)
  beforeAll(async () => {
    await installChart(fixture.kubernetes, '4.1', fixture.image, {
      'watch.namespaces': [fixture, ...guests].map(({ namespace }) => namespace),
      ...values,
    })
    await operated.operatorReady()
  })
  afterAll(async () => {
    await operated.kubectl('delete', 'bnc,bnt', '--all', '--wait=false')
    await uninstallChart(fixture.kubernetes, '4.1')
  })
  return operated
}

/** Declares the last test of a file: whatever was done before, it came to rest. */
export function endsQuietly(operated: OperatedCluster): void {
  test('in the end nothing is written while nothing changes', () => operated.staysQuiet())
}

export class OperatedCluster {
  readonly #fixture: Fixture

  constructor(fixture: Fixture) {
    this.#fixture = fixture
  }

  get kubernetes(): Fixture['kubernetes'] {
    return this.#fixture.kubernetes
  }

  get namespace(): string {
    return this.#fixture.namespace
  }

  get image(): string {
    return this.#fixture.image
  }

  /** Where clients inside the cluster's network begin. */
  get bootstrap(): string {
    return `kafka-bootstrap.${this.namespace}:9092`
  }

  /** In the file's namespace. */
  kubectl(...args: readonly string[]): Promise<string> {
    return this.kubectlIn(this.namespace, ...args)
  }

  kubectlIn(namespace: string, ...args: readonly string[]): Promise<string> {
    return this.kubernetes.kubectl(['-n', namespace, ...args])
  }

  async apply(...manifests: readonly string[]): Promise<void> {
    await this.kubernetes.apply(manifests.join('---'), ['-n', this.namespace])
  }

  /** Waits until what is said of the newest spec is so. `what` is a kind and a name: bnc/kafka, bnt/orders. */
  async until(
    what: string,
    type: string,
    status: string,
    reason?: string,
    deadlineMs = 150_000,
  ): Promise<Condition> {
    let last = 'nothing'
    return waitUntil(
      () => `${what} is ${type}=${status} ${reason ?? ''}; it said ${last}`,
      async () => {
        const { metadata, status: told } = await this.kubernetes.get<Conditions>(['-n', this.namespace, what])
        const condition = told?.conditions?.find(each => each.type === type)
        last = JSON.stringify(condition)
        if (condition === undefined || condition.observedGeneration !== metadata.generation) return undefined
        const isSo = condition.status === status && (reason === undefined || condition.reason === reason)
        return isSo ? condition : undefined
      },
      { deadlineMs, everyMs: 500 },
    )
  }

  /** A broker that goes away is told on standard error and is no harm; a record that is not delivered ends kcat otherwise. */
  async produce(name: string, records: readonly string[]): Promise<void> {
    const { exit, stderr } = await this.kubernetes.runInside(
      ['kcat', '-P', '-b', this.bootstrap, '-t', name, '-X', 'acks=all', '-X', 'enable.idempotence=true'],
      { input: records.map(record => `${record}\n`).join('') },
    )
    expect({ exit, undelivered: /delivery failed/i.test(stderr) }, stderr).toEqual({
      exit: 0,
      undelivered: false,
    })
  }

  /** All records of a topic, sorted. */
  async consume(name: string): Promise<string[]> {
    const args = ['-C', '-b', this.bootstrap, '-t', name, '-o', 'beginning', '-e', '-q']
    return (await this.#kcat(...args))
      .split('\n')
      .filter(line => line !== '')
      .sort()
  }

  /** What one of Apache Kafka's tools prints. */
  async kafkaTool(tool: ToolName, ...args: readonly string[]): Promise<string> {
    const command = await toolCommand(tool, ['--bootstrap-server', this.bootstrap, ...args])
    const { exit, stdout, stderr } = await this.kubernetes.runInside(command)
    expect(exit, `${tool} ${args.join(' ')}: ${stdout} ${stderr}`).toBe(0)
    return stdout
  }

  /** The operator has looked at the Cluster since: what it has not begun by then, it does not do. */
  async looked(): Promise<void> {
    for (const turn of [1, 2]) await this.#lookAt(turn, 'cluster', ['bnc/kafka'])
  }

  async #lookAt(turn: number, controller: 'cluster' | 'topic', objects: readonly string[]): Promise<void> {
    const before = await this.#looks(controller)
    await this.kubectl('annotate', ...objects, `example.com/looked=${Date.now()}-${turn}`, '--overwrite')
    await waitUntil(
      `the operator has looked at ${objects.join()}`,
      async () => (await this.#looks(controller)) >= before + objects.length || undefined,
      { everyMs: 500 },
    )
  }

  async #looks(controller: 'cluster' | 'topic'): Promise<number> {
    const looks = `^controller_runtime_reconcile_total\\{controller="${controller}",result="\\w+"\\} (\\d+)$`
    return sumOf(await this.operatorMetrics(), new RegExp(looks, 'gm'))
  }

  /**
   * Nothing is under way, and the operator writes nothing while it is made to look at the Cluster, its Topics and the Cluster
   * again; and until it has looked at Clusters so often by itself, which it does every half minute.
   */
  async staysQuiet({ looksByItself = 0 } = {}): Promise<void> {
    await this.until('bnc/kafka', 'Progressing', 'False')
    await this.looked()
    // PUT is the leader lease alone.
    const written = /^rest_client_requests_total\{method="(?:PATCH|POST|DELETE)",code="\d+"\} (\d+)$/gm
    const before = sumOf(await this.operatorMetrics(), written)
    const topics = (await this.kubectl('get', 'bnt', '-o', 'name')).split('\n').filter(name => name !== '')
    if (topics.length > 0) await this.#lookAt(1, 'topic', topics)
    await this.looked()
    const looksBefore = await this.#looks('cluster')
    await waitUntil(
      'the operator has looked by itself',
      async () => (await this.#looks('cluster')) >= looksBefore + looksByItself || undefined,
      { deadlineMs: 120_000, everyMs: 2000 },
    )
    expect(sumOf(await this.operatorMetrics(), written) - before, 'writes while nothing changed').toBe(0)
  }

  /** What kcat lists of a topic: its partitions with leaders and replicas. */
  async listed(name: string): Promise<string> {
    return this.#kcat('-L', '-b', this.bootstrap, '-t', name)
  }

  async #kcat(...args: readonly string[]): Promise<string> {
    const { exit, stdout, stderr } = await this.kubernetes.runInside(['kcat', ...args])
    expect(exit, `kcat ${args.join(' ')}: ${stderr}`).toBe(0)
    return stdout
  }

  /** The empty string when there is no such pod. */
  uidOf(pod: string): Promise<string> {
    return this.kubectl('get', 'pod', pod, '-o', 'jsonpath={.metadata.uid}', '--ignore-not-found')
  }

  /** Of the brokers' pods, by id. */
  podUids(brokers = 3): Promise<readonly string[]> {
    return Promise.all(Array.from({ length: brokers }, (_, id) => this.uidOf(`kafka-brokers-${id}`)))
  }

  /** Waits until another pod than the one of that uid has the name and is ready. */
  async replaced(pod: string, before: string): Promise<void> {
    const path = '{.metadata.uid} {.status.conditions[?(@.type=="Ready")].status}'
    await waitUntil(
      `another ${pod} is ready`,
      async () => {
        const ready = await this.kubectl('get', 'pod', pod, '-o', `jsonpath=${path}`, '--ignore-not-found')
        return (ready.endsWith('True') && !ready.startsWith(before)) || undefined
      },
      { deadlineMs: 90_000, everyMs: 500 },
    )
  }

  /** kill -9 of the operator's pod; its Deployment makes another. */
  async killOperator(): Promise<void> {
    await this.kubectlIn(operatorNamespace, 'delete', 'pod', ...operatorPods, '--grace-period=0', '--force')
  }

  /** 0: it is away. */
  async scaleOperator(replicas: 0 | 1): Promise<void> {
    await this.kubectlIn(operatorNamespace, 'scale', 'deployment/barnabas', `--replicas=${replicas}`)
    if (replicas === 0) {
      await this.kubectlIn(operatorNamespace, 'wait', 'pod', ...operatorPods, '--for=delete', '--timeout=60s')
    } else await this.operatorReady()
  }

  /** The one before it is gone, too. */
  async operatorReady(): Promise<void> {
    await this.kubectlIn(operatorNamespace, 'rollout', 'status', 'deployment/barnabas', '--timeout=120s')
    await waitUntil(
      'there is one operator',
      async () => {
        const pods = await this.kubectlIn(operatorNamespace, 'get', 'pods', ...operatorPods, '-o', 'name')
        return pods.trim().split('\n').length === 1 || undefined
      },
      { deadlineMs: 60_000, everyMs: 500 },
    )
  }

  /** What the operator's /metrics says. */
  async operatorMetrics(): Promise<string> {
    const running = ['get', 'pods', ...operatorPods, '--field-selector=status.phase=Running', '-o', 'name']
    const pods = await this.kubectlIn(operatorNamespace, ...running)
    return this.#metrics(operatorNamespace, pods.trim().split('\n')[0] ?? '', 8080)
  }

  /** What a broker's /metrics says. */
  brokerMetrics(id: number): Promise<string> {
    return this.#metrics(this.namespace, `pod/kafka-brokers-${id}`, 9404)
  }

  async #metrics(namespace: string, pod: string, port: number): Promise<string> {
    const forward = await this.kubernetes.forward(namespace, pod, port)
    try {
      return await (await fetch(`http://${forward.host}:${forward.port}/metrics`)).text()
    } finally {
      await forward.close()
    }
  }
}

/**
 * What this machine runs in the cluster's network may ask brokers and etcd what they tell only each other and their operator.
 * It adds to the Cluster's own policies; without those it would keep all others out.
 */
export async function letThisMachineIn({ kubernetes, namespace }: OperatedCluster): Promise<void> {
  const policy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'this-machine' },
    spec: {
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'barnabas' } },
      policyTypes: ['Ingress'],
      ingress: [{ from: [{ ipBlock: { cidr: kubernetes.insideNetwork } }] }],
    },
  }
  await kubernetes.apply(JSON.stringify(policy), ['-n', namespace])
}

/** Of all samples that match; the first group is the value. */
function sumOf(metrics: string, samples: RegExp): number {
  return [...metrics.matchAll(samples)].reduce((sum, [, value]) => sum + Number(value), 0)
}
