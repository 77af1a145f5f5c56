import { int, list } from './setting-types.ts'

/** Settings of one subscription to clients' metrics (resource type CLIENT_METRICS). */
export const clientMetricsSettings = {
  metrics: list([], 'Metric name prefixes to push (* all, empty none).'),
  'interval.ms': int(300_000, 'Push interval (100 ms - 1 h).', { from: 100, to: 3_600_000 }),
  match: list([], 'Client selectors key=regex (client_id, client_instance_id, client_software_name, ...).'),
}
