import type { Labels, Metric } from '../../broker/metrics/metrics.ts'

/** The values of one metric now, by labels written as `a=1,b=2`; a metric without labels has the key ''. */
export function figures(metrics: readonly Metric[], name: string): ReadonlyMap<string, number> {
  const metric = metrics.find(candidate => candidate.name === name)
  if (metric === undefined) throw new Error(`There is no metric ${name}.`)
  const values = new Map<string, number>()
  metric.collect((value, labels = {}, suffix = '') => values.set(suffix + keyOf(labels), value))
  return values
}

/** The sum of a metric over all its labels. */
export function total(metrics: readonly Metric[], name: string): number {
  let sum = 0
  for (const value of figures(metrics, name).values()) sum += value
  return sum
}

function keyOf(labels: Labels): string {
  return Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .join(',')
}
