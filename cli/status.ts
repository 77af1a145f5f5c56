/** `barnabas status`: the state of a cluster, over the Kafka protocol; of any cluster, or of the one that `up` runs here. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  Connection,
  ConnectionError,
  createNewTopics,
  describeAllReplicas,
  describeBrokers,
  type DescribedCluster,
  describeTopicSetting,
} from '../client/index.ts'
import { judgeHealth, type ObservedCluster, renderHealth } from './cluster-health.ts'
import { connectToAny } from './connect-to-any.ts'
import { isAlive, readRunningCluster } from './running-cluster.ts'

export interface StatusOptions {
  readonly bootstrapServer?: string
  readonly dataDir?: string
}

/** Resolves with the exit code: 0 all is well, 1 something is wrong or nobody answers, 2 asked for wrongly. */
export async function status(options: StatusOptions): Promise<number> {
  const found = findCluster(options)
  if ('mistake' in found) return complain(found.mistake, 2)
  let connection: Connection
  try {
    connection = await connectToAny(found.bootstrap, clientId, timeoutMs)
  } catch (error) {
    return complain(`No broker of the cluster answers: ${sentenceOf(error)}`, 1)
  }
  try {
    const observed = await observe(connection)
    const health = judgeHealth(observed)
    process.stdout.write(`${renderHealth(found.name, observed, health).join('\n')}\n`)
    return health.problems.length === 0 ? 0 : 1
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error
    return complain(`The cluster could not be looked at: ${error.message}`, 1)
  } finally {
    await connection.close()
  }
}

const clientId = 'barnabas-status'
const timeoutMs = 5000

type Found = { readonly name: string; readonly bootstrap: string } | { readonly mistake: string }

function findCluster({ bootstrapServer, dataDir }: StatusOptions): Found {
  if (bootstrapServer !== undefined) {
    const isAddress = (part: string): boolean => /^\s*(\[[^\]]+\]|[^:\s]+):\d{1,5}\s*$/.test(part)
    return bootstrapServer.split(',').every(isAddress)
      ? { name: bootstrapServer, bootstrap: bootstrapServer }
      : {
          mistake: `--bootstrap-server: '${bootstrapServer}' is not host:port, or several of them with commas.`,
        }
  }
  const running = directories(dataDir).flatMap(directory => {
    const { pid, bootstrap } = readRunningCluster(directory)
    return isAlive(pid, 'up') && bootstrap !== '' ? [{ name: directory, bootstrap }] : []
  })
  const [first, ...others] = running
  if (first === undefined) {
    return {
      mistake: `No cluster of \`barnabas up\` runs ${dataDir === undefined ? 'below ./data' : `in ${dataDir}`} or it is still starting; name a cluster with --bootstrap-server host:port.`,
    }
  }
  if (others.length === 0) return first
  return {
    mistake: `Several clusters run here (${running.map(({ name }) => name).join(', ')}); choose one with --data-dir.`,
  }
}

function directories(dataDir: string | undefined): string[] {
  if (dataDir !== undefined) return [dataDir]
  try {
    return readdirSync('data').map(name => join('data', name))
  } catch {
    return []
  }
}

async function observe(connection: Connection): Promise<ObservedCluster> {
  const cluster = await describeBrokers(connection)
  const partitions = await describeAllReplicas(connection)
  const behind = new Set(
    partitions.filter(({ isr, replicas }) => isr.length < replicas.length).map(({ topic }) => topic),
  )
  const settings = await describeTopicSetting(connection, [...behind], 'min.insync.replicas')
  const [silent, changesRefused] = await Promise.all([askEach(cluster), tryChange(connection)])
  return {
    cluster,
    partitions,
    minInSync: new Map(Array.from(settings, ([topic, value]) => [topic, Number(value)])),
    silent,
    changesRefused,
  }
}

async function askEach({ brokers }: DescribedCluster): Promise<ReadonlyMap<number, string>> {
  const silent = new Map<number, string>()
  const ask = async ({ id, host, port }: DescribedCluster['brokers'][number]): Promise<void> => {
    try {
      await (await Connection.open({ host, port, clientId, timeoutMs })).close()
    } catch (error) {
      silent.set(id, sentenceOf(error))
    }
  }
  await Promise.all(brokers.map(ask))
  return silent
}

/** Asks for a topic that is only checked and never made: that needs a controller that may act. */
async function tryChange(connection: Connection): Promise<string | undefined> {
  const topic = {
    name: 'barnabas-status-never-made',
    partitions: 1,
    replicationFactor: 1,
    settings: new Map(),
  }
  const [result] = await createNewTopics(connection, [topic], { validateOnly: true, timeoutMs })
  const { error, message } = result ?? { error: 'UNKNOWN_SERVER_ERROR' as const, message: '' }
  const isRefused = error === 'NOT_CONTROLLER' || error === 'REQUEST_TIMED_OUT'
  return isRefused ? `${error}: ${message.replace(/\.$/, '')}` : undefined
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function complain(sentence: string, exitCode: number): number {
  process.stderr.write(`${sentence}\n`)
  return exitCode
}
