/** The operator's metrics, under the names that controller-runtime gave them, so that dashboards know them. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { type RefusalKind, refusalKinds } from '../brokers/control-grants.ts'
import type { RequestObserver } from '../kube/api-server.ts'
import type { ClusterFigures, Standing } from './count-resources.ts'
import type { QueueObserver } from './work-queue.ts'

/** Labels: `namespace` is the operator's own once it is scraped. */
const ofCluster = ['cluster_namespace', 'cluster'] as const

type Result = 'success' | 'requeue_after' | 'error'

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

export class OperatorMetrics {
  readonly registry = new Registry()
  readonly #reconciles = this.#counter('controller_runtime_reconcile_total', 'Reconciliations by result.', [
    'controller',
    'result',
  ])
  readonly #errors = this.#counter(
    'controller_runtime_reconcile_errors_total',
    'Reconciliations that failed.',
    ['controller'],
  )
  readonly #time = this.#histogram('controller_runtime_reconcile_time_seconds', 'Time of a reconciliation.', [
    'controller',
  ])
  readonly #lastSuccess = this.#gauge(
    'barnabas_operator_last_success_timestamp_seconds',
    'When a reconciliation last succeeded, in seconds since the epoch.',
    ['controller'],
  )
  readonly #active = this.#gauge('controller_runtime_active_workers', 'Workers that reconcile now.', [
    'controller',
  ])
  readonly #workers = this.#gauge('controller_runtime_max_concurrent_reconciles', 'Workers there are.', [
    'controller',
  ])
  readonly #depth = this.#gauge('workqueue_depth', 'Keys that wait.', ['name'])
  readonly #adds = this.#counter('workqueue_adds_total', 'Keys that were added.', ['name'])
  readonly #retries = this.#counter('workqueue_retries_total', 'Keys added again after a failure.', ['name'])
  readonly #queueTime = this.#histogram('workqueue_queue_duration_seconds', 'Time a key waited.', ['name'])
  readonly #workTime = this.#histogram('workqueue_work_duration_seconds', 'Time a key was worked on.', [
    'name',
  ])
  readonly #requests = this.#counter(
    'rest_client_requests_total',
    'Requests to the API server; code 0: none came back.',
    ['method', 'code'],
  )
  readonly #leader = this.#gauge('leader_election_master_status', 'Whether this operator leads.', ['name'])
  readonly #resources = this.#gauge(
    'barnabas_operator_resources',
    'Resources by kind and whether they are ready: true, false, or held where they only wait for people.',
    ['kind', 'ready'],
  )
  readonly #pendingRestarts = this.#gauge(
    'barnabas_operator_pending_restarts',
    'Restarts of brokers and members of etcd that are to come, without those that people hold back.',
    ofCluster,
  )
  readonly #brokers = this.#gauge(
    'barnabas_operator_brokers',
    'Brokers there are to be, by Cluster and whether they are to be restarted (to_restart) or not (up_to_date).',
    [...ofCluster, 'state'],
  )
  readonly #restarts = this.#counter(
    'barnabas_operator_broker_restarts_total',
    'Brokers restarted by this operator.',
    ofCluster,
  )
  readonly #refusals = this.#counter(
    'barnabas_operator_restart_refusals_total',
    'Restarts that the brokers refused, by reason; asked for again every few seconds.',
    [...ofCluster, 'reason'],
  )
  readonly #definitions = this.#gauge(
    'barnabas_operator_definition_up_to_date',
    'Whether the CustomResourceDefinition is the one that this operator was made for.',
    ['kind'],
  )

  constructor() {
    collectDefaultMetrics({ register: this.registry })
  }

  queueObserver(name: string): QueueObserver {
    this.#depth.set({ name }, 0)
    return {
      added: () => this.#adds.inc({ name }),
      depth: depth => this.#depth.set({ name }, depth),
      waited: ms => this.#queueTime.observe({ name }, ms / 1000),
      retried: () => this.#retries.inc({ name }),
    }
  }

  requestObserver(): RequestObserver {
    return { requested: (method, code) => this.#requests.inc({ method, code: String(code) }) }
  }

  setWorkers(controller: string, count: number): void {
    this.#workers.set({ controller }, count)
    this.#errors.inc({ controller }, 0)
  }

  setLeader(name: string, leads: boolean): void {
    this.#leader.set({ name }, leads ? 1 : 0)
  }

  setResources(kind: string, standings: readonly Standing[]): void {
    const count = (standing: Standing): number => standings.filter(each => each === standing).length
    this.#resources.set({ kind, ready: 'true' }, count('ready'))
    this.#resources.set({ kind, ready: 'false' }, count('unready'))
    this.#resources.set({ kind, ready: 'held' }, count('held'))
  }

  /** Clusters that are not named are gone. */
  setClusters(clusters: readonly ClusterFigures[]): void {
    this.#pendingRestarts.reset()
    this.#brokers.reset()
    for (const { key, pendingRestarts, toRestart, upToDate } of clusters) {
      this.#pendingRestarts.set(labelsOf(key), pendingRestarts)
      this.#brokers.set({ ...labelsOf(key), state: 'to_restart' }, toRestart)
      this.#brokers.set({ ...labelsOf(key), state: 'up_to_date' }, upToDate)
    }
  }

  /** Its counters begin at 0, so that the first event is one. */
  beginCluster(key: string): void {
    this.#restarts.inc(labelsOf(key), 0)
    for (const reason of refusalKinds) this.#refusals.inc({ ...labelsOf(key), reason }, 0)
  }

  forgetCluster(key: string): void {
    this.#restarts.remove(labelsOf(key))
    for (const reason of refusalKinds) this.#refusals.remove({ ...labelsOf(key), reason })
  }

  countRestart(key: string): void {
    this.#restarts.inc(labelsOf(key))
  }

  countRefusal(key: string, reasons: readonly RefusalKind[]): void {
    for (const reason of new Set(reasons)) this.#refusals.inc({ ...labelsOf(key), reason })
  }

  setDefinition(kind: string, isUpToDate: boolean): void {
    this.#definitions.set({ kind }, isUpToDate ? 1 : 0)
  }

  /** A reconciliation begins; to be called once when it has ended. */
  reconciling(controller: string): (result: Result, tookMs: number, nowMs: number) => void {
    this.#active.inc({ controller })
    return (result, tookMs, nowMs) => {
      this.#active.dec({ controller })
      this.#reconciles.inc({ controller, result })
      if (result === 'error') this.#errors.inc({ controller })
      else this.#lastSuccess.set({ controller }, nowMs / 1000)
      this.#time.observe({ controller }, tookMs / 1000)
      this.#workTime.observe({ name: controller }, tookMs / 1000)
    }
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.registry] })
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Gauge<Label> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] })
  }

  #histogram<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
  ): Histogram<Label> {
    return new Histogram({ name, help, labelNames, registers: [this.registry], buckets: seconds })
  }
}

function labelsOf(key: string): { readonly cluster_namespace: string; readonly cluster: string } {
  const [cluster_namespace = '', cluster = ''] = key.split('/')
  return { cluster_namespace, cluster }
}
