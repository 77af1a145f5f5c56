/** The words that dashboards are declared in. A board is data: what tests run and what Grafana is given both follow from it. */

export interface Board {
  /** Name of its file, and its uid. */
  readonly name: string
  readonly title: string
  readonly sentence: string
  /** What every selector of a panel begins with. */
  readonly scope: string
  readonly variables: readonly Variable[]
  readonly rows: readonly Row[]
}

/** A choice at the top of a board: the values of a label of a metric. */
export interface Variable {
  readonly name: string
  readonly label: string
  /** The metric, with the variables above it, and the label whose values there are to choose from. */
  readonly metric: string
  readonly from: string
  /** Several at once, and all of them to begin with. */
  readonly many: boolean
}

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

export interface Panel {
  readonly kind: 'stat' | 'graph'
  readonly title: string
  /** What one sees in it, and what it should be like. */
  readonly sentence: string
  /** As Grafana spells units. */
  readonly unit: string
  readonly queries: readonly Query[]
  /** For a stat: when it is shown red. */
  readonly bad?: { readonly from: number } | { readonly otherThan: number }
  /** Events that good days do not have, so that nothing to show is all right. */
  readonly mayBeEmpty?: string
}

export interface Query {
  readonly expression: string
  /** With {{label}} for values of labels. */
  readonly legend: string
}

export function stat(
  title: string,
  sentence: string,
  expression: string,
  options: { readonly unit?: string; readonly bad?: Panel['bad'] } = {},
): Panel {
  return {
    kind: 'stat',
    title,
    sentence,
    unit: options.unit ?? 'short',
    queries: [{ expression, legend: title }],
    ...(options.bad === undefined ? {} : { bad: options.bad }),
  }
}

export function graph(
  title: string,
  sentence: string,
  unit: string,
  queries: readonly Query[],
  mayBeEmpty?: string,
): Panel {
  return {
    kind: 'graph',
    title,
    sentence,
    unit,
    queries,
    ...(mayBeEmpty === undefined ? {} : { mayBeEmpty }),
  }
}

export function query(expression: string, legend: string): Query {
  return { expression, legend }
}

/** Selectors by the variables of a board. */
export const inCluster = 'namespace="$namespace",cluster="$cluster"'
export const ofBroker = `${inCluster},broker=~"$broker"`

/** Of every board: where its data comes from and which cluster it is about. */
export const clusterVariables: readonly Variable[] = [
  { name: 'namespace', label: 'Namespace', metric: 'kafka_brokers', from: 'namespace', many: false },
  {
    name: 'cluster',
    label: 'Cluster',
    metric: 'kafka_brokers{namespace="$namespace"}',
    from: 'cluster',
    many: false,
  },
  { name: 'broker', label: 'Broker', metric: `kafka_brokers{${inCluster}}`, from: 'broker', many: true },
]
