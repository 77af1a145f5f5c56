/** Barnabas on a Kubernetes that stands: installed, used, looked at and removed, by the commands that people use. */
import { delimiter, join } from 'node:path'
import { repositoryRoot } from '../../targets/kafka-jars.ts'
import { waitUntil } from '../../targets/processes.ts'
import { answersOf, panelQueries } from '../dashboard-queries.ts'
import { type ClusterDescription, Kubernetes } from '../kubernetes.ts'
import { imageValues, operatorNamespace, release } from '../operator-chart.ts'
import { Prometheus } from '../prometheus.ts'
import type { Transcript } from './transcript.ts'

const image = 'localhost/barnabas:demo'
const manifests = 'examples/three-brokers.yaml'
const cluster = 'three-brokers'
const namespace = 'default'
const bootstrap = `${cluster}-bootstrap.${namespace}:9092`
const records = 10_000

export class Demonstration {
  readonly #transcript: Transcript
  readonly #description: ClusterDescription
  readonly #kubernetes: Kubernetes

  constructor(transcript: Transcript, description: ClusterDescription) {
    this.#transcript = transcript
    this.#description = description
    this.#kubernetes = new Kubernetes(description)
  }

  /** Leaves a cluster of brokers that works. */
  async show(): Promise<void> {
    await this.#told('kubectl get nodes --label-columns=topology.kubernetes.io/zone')
    const nodes = this.#kubernetes.nodes.length
    await this.#transcript.step(`The image of this work tree, on each of ${nodes} nodes`, () => this.#image())
    await this.#transcript.step('The operator, by its chart', () => this.#operator())
    await this.#transcript.step('A cluster of three brokers and a topic', () => this.#cluster())
    await this.#transcript.step('Records, through the bootstrap Service', () => this.#records())
    await this.#transcript.step('The dashboards, of a cluster under load', () => this.#dashboards())
  }

  async remove(): Promise<void> {
    await this.#transcript.step('Uninstalling', async () => {
      const unprotect = `'{"spec":{"deletionProtection":false}}'`
      await this.#told(`kubectl patch cluster.barnabas.dev ${cluster} --type=merge -p ${unprotect}`)
      await this.#told(`kubectl delete -f ${manifests} --timeout=2m`)
      await this.#told(`kubectl delete pvc -l barnabas.dev/cluster=${cluster} --timeout=2m`)
      await this.#told(`helm uninstall ${release} --namespace ${operatorNamespace} --wait`)
      await this.#told(`kubectl delete crd clusters.barnabas.dev topics.barnabas.dev`)
      await this.#told(`kubectl delete namespace ${operatorNamespace}`)
    })
  }

  /** How somebody goes on with it. */
  async howToUse(): Promise<readonly string[]> {
    return [
      `export KUBECONFIG=${this.#kubernetes.kubeconfig}`,
      `export PATH=${(await this.#kubernetes.toolFolders()).join(delimiter)}:$PATH      # kubectl and helm`,
      'kubectl get barnabas',
      `${this.#description.insideAsTyped} kcat -L -b ${bootstrap}`,
      `${this.#description.takeDown}      # removes it`,
    ]
  }

  async #image(): Promise<void> {
    await this.#quietly(`npm run --silent image -- ${image}`)
    const archive = join('dist', 'image.tar')
    const [first = [], ...others] = this.#description.importCommands
    const more = others.length === 0 ? '' : `      # and so on the ${others.length} other nodes`
    this.#transcript.command(`${first.join(' ')} ${archive}${more}`)
    await this.#kubernetes.importImage(join(repositoryRoot, archive))
  }

  async #operator(): Promise<void> {
    const values = Object.entries(imageValues(this.#kubernetes, image)).map(entry => entry.join('='))
    const where = `--namespace ${operatorNamespace} --create-namespace`
    await this.#quietly(
      `helm install ${release} charts/barnabas ${where} --set ${values.join(',')} --wait --timeout 2m`,
    )
    await this.#told(`kubectl -n ${operatorNamespace} get deployments`)
  }

  async #cluster(): Promise<void> {
    await this.#told(`kubectl apply -f ${manifests}`)
    await this.#told(`kubectl wait --for=condition=Ready cluster.barnabas.dev/${cluster} --timeout=5m`)
    await this.#told('kubectl wait --for=condition=Ready topic.barnabas.dev/orders --timeout=1m')
    await this.#told('kubectl get barnabas')
    await this.#told('kubectl get pods')
  }

  async #records(): Promise<void> {
    const [client] = this.#kubernetes.nodes
    this.#transcript.note(`Clients run in the cluster's network, where ${client} is.`)
    const kcat = `kcat -b ${bootstrap} -t orders`
    await this.#insideTold(`seq 1 ${records} | ${kcat} -P -X acks=all`)
    const read = `${kcat} -C -o beginning -e -q | sort -n | uniq | wc -l`
    const count = (await this.#insideTold(read)).trim()
    if (count !== String(records)) {
      throw new Error(`Of ${records} records that were acknowledged, ${count} were read.`)
    }
    await this.#told('kubectl get topic.barnabas.dev orders -o wide')
  }

  async #dashboards(): Promise<void> {
    this.#transcript.command(`node test/kubernetes/load.ts ${bootstrap} 300 &`)
    const script = join(repositoryRoot, 'test', 'kubernetes', 'load.ts')
    const load = this.#kubernetes.startInside([process.execPath, script, bootstrap, '300'])
    let prometheus: Prometheus | undefined
    try {
      this.#transcript.note('A Prometheus with the rules of the chart scrapes what its PodMonitors choose.')
      prometheus = await Prometheus.start(this.#kubernetes, [namespace, operatorNamespace])
      await waitUntil(
        () => `the load runs; it said: ${load.output}`,
        () => load.output.includes('load runs') || undefined,
      )
      await this.#answers(prometheus)
      const errors = Object.entries(await prometheus.ruleErrors())
      if (errors.length > 0) {
        throw new Error(`These rules fail: ${errors.map(entry => entry.join(': ')).join('; ')}.`)
      }
      this.#transcript.note('All rules of alerts are evaluated.')
    } finally {
      await prometheus?.stop()
      await load.stop(5_000)
    }
  }

  async #answers(prometheus: Prometheus): Promise<void> {
    const answers = await answersOf(prometheus, { namespace, cluster })
    for (const board of new Set(panelQueries.map(query => query.board))) {
      const queries = panelQueries.filter(query => query.board === board)
      const answered = queries.filter(query => answers.has(query))
      const quiet = queries.length - answered.length
      const rest = quiet === 0 ? '' : `, ${quiet} about what good days do not have`
      this.#transcript.note(`${board}: ${answered.length} queries answered with data${rest}`)
      for (const query of answered) {
        const { kind, title, unit } = query.panel
        if (kind === 'stat') this.#transcript.answer(`${title.padEnd(40)} ${spell(answers.get(query), unit)}`)
      }
    }
  }

  /** Runs a line of shell and shows what it printed. */
  async #told(line: string): Promise<string> {
    const said = await this.#quietly(line)
    this.#transcript.answer(said)
    return said
  }

  async #insideTold(line: string): Promise<string> {
    this.#transcript.command(line)
    const said = await this.#kubernetes.shell(line, this.#kubernetes.within)
    this.#transcript.answer(said)
    return said
  }

  async #quietly(line: string): Promise<string> {
    this.#transcript.command(line)
    return this.#kubernetes.shell(line)
  }
}

/** A number as Grafana would show it: units are its own words. */
function spell(value = Number.NaN, unit: string): string {
  return unit === 'bytes' ? `${(value / 2 ** 30).toFixed(1)} GiB` : String(Math.round(value * 100) / 100)
}
