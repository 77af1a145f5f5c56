/**
 * A leader that takes records and falls silent, so that a client waits for it while it goes on with the next leader: what it then
 * sends again is known there, however much it has written meanwhile.
 */
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { prepareKafkaJava, repositoryRoot } from '../targets/kafka-jars.ts'
import { prepareLibrdkafka, python } from '../targets/librdkafka.ts'
import { freePorts, RunningProcess } from '../targets/processes.ts'
import { BrokerConnection } from '../support/broker-connection.ts'
import { Proxy } from '../support/proxy.ts'
import { inSync, partitionOf, replicatedTopic } from '../support/replicated-topic.ts'
import { fetchFrom, readAll } from '../support/requests.ts'
import { RunningCluster } from '../support/running-cluster.ts'
import { until } from '../support/until.ts'

let cluster: RunningCluster
let proxies: Map<number, Proxy>
let innerPorts: Map<number, number>
let clients: Clients | undefined

afterEach(async () => {
  clients?.process.kill('SIGKILL')
  await cluster.remove()
  for (const proxy of proxies.values()) await proxy.close()
})

/** Clients reach each of three brokers through a proxy, the brokers one another without. */
async function startCluster(): Promise<void> {
  cluster = await RunningCluster.start([])
  proxies = new Map()
  innerPorts = new Map()
  for (const id of [1, 2, 3]) {
    const [port = 0, innerPort = 0] = await freePorts(2)
    const proxy = await Proxy.to(port)
    proxies.set(id, proxy)
    innerPorts.set(id, innerPort)
    await cluster.join(id, {
      listeners: `OUTER://127.0.0.1:${port},INNER://127.0.0.1:${innerPort}`,
      'advertised.listeners': `OUTER://127.0.0.1:${proxy.port},INNER://127.0.0.1:${innerPort}`,
      'listener.security.protocol.map': 'OUTER:PLAINTEXT,INNER:PLAINTEXT',
      'inter.broker.listener.name': 'INNER',
    })
  }
  const client = await cluster.broker(1).connect()
  await replicatedTopic(client, 'topic', 3, { 'min.insync.replicas': '2' })
  await inSync(client, 'topic', 3)
}

/** A program that takes the commands of HistoryClients.java, and what it has told. */
class Clients {
  readonly process: RunningProcess
  readonly acknowledged = new Set<number>()
  readonly failed: string[] = []
  sent = -1
  hasStopped = false
  #firstWaiting = 0

  constructor(command: string, args: readonly string[]) {
    const bootstrapServers = [...proxies.values()].map(({ port }) => `127.0.0.1:${port}`).join(',')
    this.process = new RunningProcess(command, [...args, bootstrapServers, 'topic', '1'], {
      onLine: line => this.#take(line),
    })
  }

  hasAcknowledgedUpTo(value: number): boolean {
    while (this.acknowledged.has(this.#firstWaiting)) this.#firstWaiting++
    return this.#firstWaiting > value
  }

  #take(line: string): void {
    const [letter, , , value] = line.split(' ')
    if (letter === 'i') this.sent = Number(value)
    else if (letter === 'o') this.acknowledged.add(Number(value))
    else if (line.startsWith('stopped producers')) this.hasStopped = true
    else if (letter === 'u' || letter === 'f' || letter === 'broken') this.failed.push(line)
  }
}

async function java(): Promise<Clients> {
  const { classPath } = await prepareKafkaJava()
  const jvm = ['-Xmx256M', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', classPath]
  return new Clients('java', [...jvm, 'HistoryClients'])
}

async function librdkafka(): Promise<Clients> {
  await prepareLibrdkafka()
  return new Clients(python, ['-u', join(repositoryRoot, 'test/cluster/librdkafka-clients.py')])
}

const requestTimeoutMs = 6000

test.each([
  { name: 'java', start: java, settings: `delivery.timeout.ms=120000 metadata.max.age.ms=500 linger.ms=0` },
  {
    name: 'librdkafka',
    start: librdkafka,
    settings: `message.timeout.ms=120000 topic.metadata.refresh.interval.ms=500 linger.ms=0 socket.timeout.ms=${requestTimeoutMs}`,
  },
])('no record of $name waits for its delivery timeout, and none is written twice', async given => {
  await startCluster()
  clients = await given.start()
  const { process, acknowledged } = clients
  process.tell(`producer 0 0 1 100 0 request.timeout.ms=${requestTimeoutMs} ${given.settings}`)
  await until(() => acknowledged.size > 50, 'records are acknowledged', 30_000)

  const { leaderId } = await partitionOf(await cluster.broker(1).connect(), 'topic')
  const leader = await BrokerConnection.connect(innerPorts.get(leaderId)!)
  const proxy = proxies.get(leaderId)!
  proxy.losesAnswers = true
  // Java's client asks for metadata at the broker that it connects to, as long as that one neither answers nor refuses.
  proxy.refusesConnections = true
  await until(
    async () =>
      (await fetchFrom(leader, 'topic', { offset: acknowledged.size })).highWatermark > acknowledged.size + 3,
    'records are committed and nobody is told',
  )
  await leader.close()
  cluster.cutFromStore(leaderId)
  const witness = await cluster.broker(leaderId === 1 ? 2 : 1).connect()
  const newLeader = async () => (await partitionOf(witness, 'topic')).leaderId
  await until(async () => (await newLeader()) !== leaderId, 'another one leads', 20_000)
  const { sent } = clients
  await until(() => acknowledged.has(sent + 20), 'the client goes on with it', 20_000)

  await until(() => clients?.hasAcknowledgedUpTo(sent) === true, 'all of before are acknowledged', 40_000)
  process.tell('stop producers')
  await until(() => clients?.hasStopped === true, 'the producer has ended', 40_000)
  expect(clients.failed).toEqual([])
  const values = await readAll(await cluster.broker(await newLeader()).connect(), 'topic')
  expect(values.map(value => Number(value?.split(' ')[0]))).toEqual(
    Array.from({ length: clients.sent + 1 }, (_, at) => at),
  )
})
