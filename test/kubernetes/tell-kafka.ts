/**
 * node test/kubernetes/tell-kafka.ts NAMESPACE BROKERS: what the brokers of the Cluster `kafka` hold, as JSON, without what
 * differs from one life of a cluster to another. Where replicas are is left out: only how many there are.
 */
import { AnyBroker, describeTopicOverrides } from '../../client/index.ts'
import { decodeAnswer, encodeCommand } from '../../broker/control/control-api.ts'
import { ControlConnections } from '../../broker/control/control-client.ts'
import { KafkaCluster } from '../../operator/brokers/kafka-cluster.ts'
import { ownerSetting } from '../../operator/reconcile/observed-topic.ts'
import { hosts, ports } from '../../operator/resources/names.ts'
import { systemClock } from '../../runtime/clock.ts'

const [namespace = '', brokers = ''] = process.argv.slice(2)
const at = { name: 'kafka', namespace, clusterDomain: 'cluster.local' }
const ids = Array.from({ length: Number(brokers) }, (_, id) => id)
const addressOf = (id: number): { host: string; port: number } => ({
  host: hosts.broker(at, id),
  port: ports.brokers,
})

/** The reason of a restart grant that somebody holds. */
async function heldGrant(): Promise<string | undefined> {
  const connections = new ControlConnections({ tls: () => null, clock: systemClock })
  const caller = { principal: '', controllerEpoch: 0, timeoutMs: 5000 }
  const question = encodeCommand('canRestart', { brokerId: 0, timeoutMs: 5000 }, caller)
  const address = { host: hosts.broker(at, 0), port: ports.control, tls: false }
  const answer = await connections.call(address, 'CanRestart', question, 5000, new AbortController().signal)
  connections.close()
  if (answer.kind !== 'answered') throw new Error(`Nobody says who may restart: ${answer.reason}`)
  return decodeAnswer('canRestart', answer.bytes)?.result.grant?.reason
}

const kafka = new KafkaCluster(addressOf)
kafka.expect(ids)
const seen = await kafka.observe()
await kafka.close()
if (seen.kind === 'unreachable') throw new Error(seen.reason)
const topics = seen.topics.filter(({ isInternal }) => !isInternal)
const any = new AnyBroker(() => ids.map(addressOf), { clientId: 'tell-kafka', timeoutMs: 5000 })
const overrides = await describeTopicOverrides(
  any,
  topics.map(({ name }) => name),
)
await any.close()
const state = {
  brokers: seen.brokers.map(({ id, isFenced }) => ({ id, isFenced })).sort((a, b) => a.id - b.id),
  topics: topics
    .map(({ name, partitions }) => ({
      name,
      replicas: partitions.map(({ replicas, inSync }) => `${inSync.length} of ${replicas.length}`),
      settings: [...(overrides.get(name) ?? [])]
        .map(([setting, value]) => `${setting}=${setting === ownerSetting ? value.split(' ')[0] : value}`)
        .sort(),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1)),
  moves: seen.moves.length,
  settings: [...seen.dynamicSettings].map(([name, value]) => `${name}=${value}`).sort(),
  cordoned: [...seen.cordoned],
  grant: (await heldGrant()) ?? 'none',
}
console.log(JSON.stringify(state))
