/** What the operator is told by environment variables, checked, with all mistakes at once. Pure. */
import type { LogLevel } from '../runtime/logger.ts'

export interface OperatorSettings {
  readonly identity: string
  readonly namespace: string | undefined
  readonly leaseName: string
  /** Empty: all namespaces. */
  readonly watchedNamespaces: readonly string[]
  readonly images: { readonly broker: string; readonly etcd: string; readonly pullPolicy: string | undefined }
  readonly clusterDomain: string
  readonly logLevel: LogLevel
  readonly workers: number
  readonly httpPort: number
}

const logLevels: readonly string[] = ['fatal', 'error', 'warn', 'info', 'debug', 'trace']

export function readOperatorSettings(
  environment: Readonly<Record<string, string | undefined>>,
  ownIdentity: string,
): { readonly settings: OperatorSettings; readonly mistakes: readonly string[] } {
  const mistakes: string[] = []
  const given = (name: string): string | undefined => {
    const value = environment[name]?.trim()
    return value === '' ? undefined : value
  }
  const required = (name: string, what: string): string => {
    const value = given(name)
    if (value === undefined) mistakes.push(`${name} is not set: give ${what}.`)
    return value ?? ''
  }
  const number = (name: string, unset: number, most: number): number => {
    const text = given(name) ?? String(unset)
    const value = Number(text)
    if (!Number.isInteger(value) || value < 0 || value > most) {
      mistakes.push(`${name} is '${text}': give a whole number from 0 to ${most}.`)
    }
    return value
  }
  const level = given('LOG_LEVEL') ?? 'info'
  if (!logLevels.includes(level))
    mistakes.push(`LOG_LEVEL is '${level}': give one of ${logLevels.join(', ')}.`)
  const settings: OperatorSettings = {
    identity: given('POD_NAME') ?? ownIdentity,
    namespace: given('POD_NAMESPACE'),
    leaseName: given('LEASE_NAME') ?? 'barnabas-operator',
    watchedNamespaces: (given('WATCH_NAMESPACES') ?? '')
      .split(',')
      .map(name => name.trim())
      .filter(name => name !== ''),
    images: {
      broker: required('BROKER_IMAGE', 'the image of brokers'),
      etcd: required('ETCD_IMAGE', 'the image of etcd'),
      pullPolicy: given('IMAGE_PULL_POLICY'),
    },
    clusterDomain: given('CLUSTER_DOMAIN') ?? 'cluster.local',
    logLevel: level as LogLevel,
    workers: Math.max(1, number('MAX_CONCURRENT_RECONCILES', 4, 100)),
    httpPort: number('HTTP_PORT', 8080, 65_535),
  }
  return { settings, mistakes }
}
