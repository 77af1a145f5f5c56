/** YAML files → the Clusters and Topics in them, or all mistakes, each with file and line. Pure. */
import { isNode, LineCounter, parseAllDocuments } from 'yaml'
import {
  type Cluster,
  formatPath,
  type Mistake,
  nameOfTopic,
  notHonouredLocally,
  type Path,
  readResource,
  type Topic,
} from '../operator/index.ts'

export interface ManifestFile {
  /** As the user calls it. */
  readonly name: string
  readonly text: string
}

export interface FoundCluster {
  readonly cluster: Cluster
  /** As it was written: what was not written has its default in `cluster`. */
  readonly raw: unknown
  readonly place: Place
}

export interface FoundTopic {
  readonly topic: Topic
  readonly place: Place
}

/** Tells where in a file a field stands: "quickstart.yaml:12". */
export type Place = (path: Path) => string

export interface Manifests {
  readonly clusters: readonly FoundCluster[]
  readonly topics: readonly FoundTopic[]
  /** Whole sentences, each with its place. When there is one, nothing is to be started. */
  readonly mistakes: readonly string[]
  /** What has no effect in a local run, in sentences. */
  readonly notes: readonly string[]
}

export function readManifests(files: readonly ManifestFile[]): Manifests {
  const clusters: FoundCluster[] = []
  const topics: FoundTopic[] = []
  const mistakes: string[] = []
  const notes: string[] = []

  for (const { raw, place, syntax } of files.flatMap(documentsOf)) {
    mistakes.push(...syntax)
    if (syntax.length > 0 || raw === null) continue
    const foreign = kindOfOthers(raw)
    if (foreign !== undefined) {
      notes.push(`${place([])}: ${foreign} is passed over; a local run takes only Cluster and Topic.`)
      continue
    }
    const read = readResource(raw)
    mistakes.push(...read.mistakes.map(mistake => tellMistake(mistake, place)))
    if (read.resource === undefined) continue
    for (const { path, sentence, refused } of notHonouredLocally(read.resource.kind, raw)) {
      const list = refused ? mistakes : notes
      list.push(`${place(path)}: ${sentence}`)
    }
    if (read.resource.kind === 'Cluster') clusters.push({ cluster: read.resource.cluster, raw, place })
    else topics.push({ topic: read.resource.topic, place })
  }

  mistakes.push(...checkTogether(clusters, topics, mistakes.length > 0))
  return { clusters, topics, mistakes, notes }
}

/** "quickstart.yaml:12: spec.brokers.replicas must be at least 1." */
export function tellMistake({ path, sentence }: Mistake, place: Place): string {
  const field = formatPath(path)
  return `${place(path)}: ${field === '' ? 'The document' : field} ${sentence}${/[.?!]$/.test(sentence) ? '' : '.'}`
}

interface Document {
  readonly raw: unknown
  readonly place: Place
  readonly syntax: readonly string[]
}

function documentsOf({ name, text }: ManifestFile): Document[] {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })
  if ('empty' in documents) return []
  return documents.map(document => {
    const place: Place = path => {
      // A field that is not there is told at the nearest one around it.
      for (let length = path.length; length > 0; length--) {
        const node = document.getIn(path.slice(0, length), true)
        if (isNode(node) && node.range) return `${name}:${lines.linePos(node.range[0]).line}`
      }
      const start = document.contents?.range?.[0] ?? document.range[0]
      return `${name}:${lines.linePos(start).line}`
    }
    const syntax = document.errors.map(
      error => `${name}:${lines.linePos(error.pos[0]).line}: This is not YAML: ${error.message}`,
    )
    return { raw: syntax.length > 0 ? null : (document.toJS() as unknown), place, syntax }
  })
}

/** "v1 Namespace" for an object that is none of ours. */
function kindOfOthers(raw: unknown): string | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined
  const { apiVersion, kind } = raw as { apiVersion?: unknown; kind?: unknown }
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return undefined
  const isOurs = apiVersion.startsWith('barnabas.dev/') || kind === 'Cluster' || kind === 'Topic'
  return isOurs && kind !== 'User' ? undefined : `${apiVersion} ${kind}`
}

function checkTogether(
  clusters: readonly FoundCluster[],
  topics: readonly FoundTopic[],
  hasMistakes: boolean,
): string[] {
  const mistakes: string[] = []
  const [first, ...others] = clusters
  for (const { cluster, place } of others) {
    mistakes.push(
      `${place(['metadata', 'name'])}: A second Cluster, ${cluster.metadata.name}, beside ${first?.cluster.metadata.name}; run each on its own.`,
    )
  }
  if (first === undefined) {
    const place = topics[0]?.place([])
    if (!hasMistakes)
      mistakes.push(`${place === undefined ? '' : `${place}: `}There is no Cluster in the files; add one.`)
    return mistakes
  }
  const names = new Map<string, string>()
  for (const { topic, place } of topics) {
    const wanted = topic.spec.clusterRef.name
    if (wanted !== first.cluster.metadata.name) {
      mistakes.push(
        `${place(['spec', 'clusterRef', 'name'])}: spec.clusterRef.name is ${wanted}, but the Cluster here is ${first.cluster.metadata.name}.`,
      )
    }
    const name = nameOfTopic(topic)
    const other = names.get(name)
    if (other !== undefined) mistakes.push(`${place([])}: The topic ${name} is there already, at ${other}.`)
    names.set(name, place([]))
  }
  return mistakes
}
