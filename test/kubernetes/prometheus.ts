/**
 * A real Prometheus in the cluster's network with the chart's rules, which looks at pods by the chart's PodMonitors. Debian's
 * knows nothing of Kubernetes, so what pods there are is told to it in a file, with the labels that it would find out.
 */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { objectsOf, render } from '../charts/render.ts'
import { type RunningProcess, waitUntil } from '../targets/processes.ts'
import { installDebianPackages } from './debian-packages.ts'
import type { Kubernetes } from './kubernetes.ts'

interface Relabeling {
  readonly sourceLabels?: readonly string[]
  readonly targetLabel: string
  readonly replacement?: string
}

interface PodMonitor {
  readonly selector: { readonly matchLabels: Readonly<Record<string, string>> }
  readonly podMetricsEndpoints: readonly {
    readonly port: string
    readonly relabelings?: readonly Relabeling[]
  }[]
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

export class Prometheus {
  readonly #kubernetes: Kubernetes
  readonly #namespaces: readonly string[]
  readonly #process: RunningProcess
  readonly #directory: string
  readonly #url: string

  private constructor(
    kubernetes: Kubernetes,
    namespaces: readonly string[],
    started: RunningProcess,
    directory: string,
    url: string,
  ) {
    this.#kubernetes = kubernetes
    this.#namespaces = namespaces
    this.#process = started
    this.#directory = directory
    this.#url = url
  }

  /**
   * Scrapes the pods of `namespaces` every second, and evaluates the rules as often. An alert fires after three seconds: how
   * long each has to hold before people are told is promtool's to show.
   */
  static async start(
    kubernetes: Kubernetes,
    namespaces: readonly string[],
    values: Readonly<Record<string, unknown>> = {},
  ): Promise<Prometheus> {
    await installDebianPackages({ prometheus: 'prometheus' })
    const directory = mkdtempSync(join(tmpdir(), 'prometheus-'))
    const objects = objectsOf(
      await render('4.1', { 'podMonitor.enabled': true, 'prometheusRule.enabled': true, ...values }, [
        '--api-versions',
        'monitoring.coreos.com/v1',
      ]),
    )
    const monitors = objects.filter(({ kind }) => kind === 'PodMonitor').map(({ spec }) => spec as PodMonitor)
    const rules = objects.find(({ kind }) => kind === 'PrometheusRule')?.['spec'] as RuleGroups
    const config = {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: ['rules.yaml'],
      scrape_configs: monitors.flatMap((monitor, at) => scrapeConfigs(monitor, at)),
    }
    writeFileSync(join(directory, 'rules.yaml'), stringify(firingSoon(rules)))
    writeFileSync(join(directory, 'prometheus.yaml'), stringify(config))
    const port = 20_000 + (process.pid % 10_000)
    const started = kubernetes.startInside([
      'prometheus',
      `--config.file=${join(directory, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=0.0.0.0:${port}`,
    ])
    const url = `http://${kubernetes.insideAddress}:${port}`
    const prometheus = new Prometheus(kubernetes, namespaces, started, directory, url)
    await prometheus.discover()
    await waitUntil(
      () => `Prometheus answers; it said: ${started.output}`,
      async () => {
        if (started.hasEnded) throw new Error(`Prometheus ended: ${started.output}`)
        return prometheus.query('vector(1)').then(
          () => true,
          () => undefined,
        )
      },
    )
    return prometheus
  }

  /** Tells it what pods there are now. Until then it asks those that are gone, too, and sees that they do not answer. */
  async discover(): Promise<void> {
    const lists = await Promise.all(
      this.#namespaces.map(namespace =>
        this.#kubernetes.get<{ items: readonly Pod[] }>(['-n', namespace, 'pods']),
      ),
    )
    const targets = lists
      .flatMap(({ items }) => items)
      .flatMap(({ metadata, spec, status }) =>
        spec.containers.flatMap(({ ports = [] }) =>
          ports.map(({ name = '', containerPort }) => ({
            targets: [`${status.podIP}:${containerPort}`],
            labels: {
              __meta_kubernetes_namespace: metadata.namespace,
              __meta_kubernetes_pod_name: metadata.name,
              __meta_kubernetes_pod_container_port_name: name,
              ...Object.fromEntries(
                Object.entries(metadata.labels).map(([label, value]) => [podLabel(label), value]),
              ),
            },
          })),
        ),
      )
    const fresh = join(this.#directory, 'fresh')
    writeFileSync(fresh, JSON.stringify(targets))
    renameSync(fresh, join(this.#directory, targetsFile))
  }

  async query(expression: string): Promise<readonly Sample[]> {
    const { result } = await this.#get<{ result: readonly Sample[] }>('query', { query: expression })
    return result
  }

  /** Name of an alert → what is wrong with its rule; empty when all are evaluated. */
  async ruleErrors(): Promise<Readonly<Record<string, string>>> {
    const { groups } = await this.#get<{ groups: readonly { rules: readonly Rule[] }[] }>('rules', {})
    const rules = groups.flatMap(group => group.rules)
    if (rules.length === 0) throw new Error('Prometheus has no rules.')
    return Object.fromEntries(
      rules
        .filter(({ health }) => health !== 'ok')
        .map(({ name, health, lastError }) => [name, `${health} ${lastError ?? ''}`]),
    )
  }

  async stop(): Promise<void> {
    await this.#process.stop(10_000)
    rmSync(this.#directory, { recursive: true, force: true })
  }

  async #get<T>(path: string, parameters: Readonly<Record<string, string>>): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`)
    const answer = (await response.json()) as { status: string; error?: string; data: T }
    if (answer.status !== 'success')
      throw new Error(`Prometheus refused ${JSON.stringify(parameters)}: ${answer.error}`)
    return answer.data
  }
}

const targetsFile = 'targets.json'

interface Pod {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly labels: Readonly<Record<string, string>>
  }
  readonly spec: {
    readonly containers: readonly {
      readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[]
    }[]
  }
  readonly status: { readonly podIP?: string }
}

function podLabel(name: string): string {
  return `__meta_kubernetes_pod_label_${name.replaceAll(/\W/g, '_')}`
}

interface RuleGroups {
  readonly groups: readonly { readonly name: string; readonly rules: readonly object[] }[]
}

function firingSoon({ groups }: RuleGroups): RuleGroups {
  return {
    groups: groups.map(({ name, rules }) => ({ name, rules: rules.map(rule => ({ ...rule, for: '3s' })) })),
  }
}

interface Rule {
  readonly name: string
  readonly health: string
  readonly lastError?: string
}

/** What the Prometheus operator makes of a PodMonitor. */
function scrapeConfigs({ selector, podMetricsEndpoints }: PodMonitor, at: number): object[] {
  const keep = (source: string, regex: string): object => ({ source_labels: [source], regex, action: 'keep' })
  const set = (sources: readonly string[], target: string): object => ({
    source_labels: sources,
    target_label: target,
  })
  return podMetricsEndpoints.map(({ port, relabelings = [] }) => ({
    job_name: `pod-monitor-${at}-${port}`,
    file_sd_configs: [{ files: [targetsFile], refresh_interval: '1s' }],
    relabel_configs: [
      ...Object.entries(selector.matchLabels).map(([name, value]) => keep(podLabel(name), value)),
      keep('__meta_kubernetes_pod_container_port_name', port),
      set(['__meta_kubernetes_namespace'], 'namespace'),
      set(['__meta_kubernetes_pod_name'], 'pod'),
      ...relabelings.map(({ sourceLabels, targetLabel, replacement }) => ({
        ...(sourceLabels === undefined ? {} : { source_labels: sourceLabels }),
        target_label: targetLabel,
        ...(replacement === undefined ? {} : { replacement }),
      })),
    ],
  }))
}
