/**
 * Settings in environment variables: `KAFKA_LOG_RETENTION_HOURS` or `BARNABAS_LOG_RETENTION_HOURS` is
 * `log.retention.hours`. As Kafka's images do it: lower case, `_` is a point, `__` an underscore, `___` a hyphen.
 * `KAFKA_CFG_…` is understood too. Where both prefixes name a setting, `BARNABAS_` wins.
 */

export interface EnvironmentSetting {
  readonly variable: string
  readonly name: string
  readonly value: string
}

/** Variables of Kafka's start scripts and images that are not settings. */
const notSettings =
  /^KAFKA_(HEAP_OPTS|OPTS|JVM_PERFORMANCE_OPTS|GC_LOG_OPTS|LOG4J_.*|LOG_OPTS|TOOLS_.*|JMX_.*|DEBUG.*|HOME|VERSION|SCALA_VERSION|USER|DAEMON_.*|KRAFT_.*|CLUSTER_ID|.*_CREDENTIALS|.*_FILENAME)$/

/** Those that Kubernetes and Docker links put into every container beside a service called kafka or barnabas. */
const ofAService = /^(KAFKA|BARNABAS)(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_.*)?)$/
const portOfAService = /^(KAFKA|BARNABAS)_PORT$/

export function settingsFromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): readonly EnvironmentSetting[] {
  const found: EnvironmentSetting[] = []
  const clusterId = environment['CLUSTER_ID'] ?? environment['KAFKA_CLUSTER_ID']
  if (clusterId !== undefined) found.push({ variable: 'CLUSTER_ID', name: 'cluster.id', value: clusterId })
  for (const prefix of ['KAFKA_', 'BARNABAS_']) {
    for (const [variable, value] of Object.entries(environment)) {
      if (value === undefined || !variable.startsWith(prefix)) continue
      if (notSettings.test(variable) || ofAService.test(variable) || portOfAService.test(variable)) continue
      found.push({ variable, name: settingName(variable.slice(prefix.length).replace(/^CFG_/, '')), value })
    }
  }
  return found
}

function settingName(variable: string): string {
  return variable
    .toLowerCase()
    .replaceAll(/_{1,3}/g, underscores =>
      underscores.length === 1 ? '.' : underscores.length === 2 ? '_' : '-',
    )
}

/** The variable that sets `name`. */
export function environmentVariable(name: string): string {
  return `KAFKA_${name.replaceAll('_', '__').replaceAll('-', '___').replaceAll('.', '_').toUpperCase()}`
}
