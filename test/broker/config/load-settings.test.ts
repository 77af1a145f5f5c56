import { describe, expect, test } from 'vitest'
import { loadBrokerSettings, type ValidSettings } from '../../../broker/config/load-settings.ts'

function load(text: string, environment: Record<string, string> = {}) {
  return loadBrokerSettings({ file: { name: 'server.properties', text }, environment })
}

function loaded(text: string, environment: Record<string, string> = {}): ValidSettings {
  const result = load(text, environment)
  if (result.kind === 'invalid') throw new Error(result.mistakes.join('\n'))
  return result
}

function mistakes(text: string, environment: Record<string, string> = {}): readonly string[] {
  const result = load(text, environment)
  return result.kind === 'invalid' ? result.mistakes : []
}

/** What a KRaft installation of Kafka 4 runs broker and controller from. */
const combined = `
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=2
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
#log.flush.interval.messages=10000
log.retention.hours=168
#log.retention.bytes=1073741824
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
`

test('the server.properties of a KRaft installation is understood, with one note on its controller', () => {
  const { settings, listeners, notes } = loaded(combined)
  expect(settings['node.id']).toBe(1)
  expect(settings['log.dirs']).toEqual(['/tmp/kraft-combined-logs'])
  expect(settings['transaction.state.log.min.isr']).toBe(1)
  expect(listeners.bound.map(({ name, port }) => [name, port])).toEqual([['PLAINTEXT', 9092]])
  expect(notes).toHaveLength(1)
  expect(notes[0]).toMatch(
    /^controller.quorum.bootstrap.servers, controller.listener.names: accepted without effect/,
  )
})

test('nothing given is allowed and gives the defaults', () => {
  const { settings, given } = loaded('')
  expect(settings['node.id']).toBe(1)
  expect(settings['log.dir']).toEqual(['/tmp/kafka-logs'])
  expect(given.size).toBe(0)
})

test('the manifest wins over the file and the environment over both', () => {
  const result = loadBrokerSettings({
    file: { name: 'f', text: 'num.partitions=1\nnum.io.threads=1\nbackground.threads=1' },
    manifest: { 'num.partitions': '2', 'num.io.threads': '2' },
    environment: { KAFKA_NUM_PARTITIONS: '3' },
  })
  if (result.kind === 'invalid') throw new Error(result.mistakes.join())
  const { settings } = result
  expect([settings['num.partitions'], settings['num.io.threads'], settings['background.threads']]).toEqual([
    3, 2, 1,
  ])
})

test('broker.id is the older name of node.id', () => {
  expect(loaded('broker.id=7').settings['node.id']).toBe(7)
  expect(loaded('node.id=7').settings['broker.id']).toBe(7)
  expect(mistakes('broker.id=7\nnode.id=8').join()).toMatch(/broker.id: .*node.id is 8/)
})

test('all mistakes are told at once, each with its place', () => {
  expect(
    mistakes('num.partitions=0\nlog.retention.hours=soon\n\nlog.retention.hous=3', { KAFKA_LOG_DIRS: '' }),
  ).toEqual([
    'server.properties:4: log.retention.hous: there is no such setting. Is log.retention.hours meant?',
    'server.properties:1: Invalid value 0 for configuration num.partitions: Value must be at least 1',
    'server.properties:2: Invalid value soon for configuration log.retention.hours: Not a number of type INT',
    'KAFKA_LOG_DIRS: log.dirs: it is empty; give a value or remove it.',
  ])
})

describe('settings of other Kafkas', () => {
  test('those that nobody misses are noted', () => {
    const { notes } = loaded(
      'inter.broker.protocol.version=3.9\nzookeeper.session.timeout.ms=1\nconfluent.x=1',
    )
    expect(notes).toEqual([
      'server.properties:1: inter.broker.protocol.version: it is gone since Kafka 4 and is ignored; remove it.',
      'server.properties:2: zookeeper.session.timeout.ms: there is no ZooKeeper here; it is ignored.',
      'server.properties:3: confluent.x: it belongs to Confluent Platform; it is ignored.',
    ])
  })

  test('those that would change what happens are refused with what took their place', () => {
    expect(mistakes('zookeeper.connect=a:2181').join()).toMatch(/there is no ZooKeeper here.*etcd.connect/)
    expect(mistakes('port=9092').join()).toMatch(/use listeners instead/)
    expect(mistakes('controller.quorum.voters=1@a:1,2@b:1').join()).toMatch(/needs etcd here/)
    expect(mistakes('process.roles=controller').join()).toMatch(/no processes that are controllers only/)
  })
})

test('an unknown variable of the environment is only noted', () => {
  const { notes } = loaded('', { KAFKA_NUM_PARTITION: '1', BARNABAS_COLOUR: 'blue' })
  expect(notes).toEqual([
    'KAFKA_NUM_PARTITION: there is no setting num.partition; it is ignored. Is num.partitions meant?',
    'BARNABAS_COLOUR: there is no setting colour; it is ignored.',
  ])
})

test('settings of one listener are kept, and checked like the plain ones', () => {
  expect(
    loaded('listener.name.plaintext.max.connections=5').given.get('listener.name.plaintext.max.connections'),
  ).toBe('5')
  expect(mistakes('listener.name.plaintext.max.connections=many').join()).toMatch(/Not a number of type INT/)
  expect(mistakes('listener.name.plaintext.colour=blue').join()).toMatch(/there is no such setting/)
  expect(loaded('listener.name.a.plain.sasl.jaas.config=x').given.size).toBe(1)
})

test('plug-ins in Java are refused, and so are values that need one', () => {
  expect(mistakes('authorizer.class.name=a.b.C').join()).toMatch(/everybody may do everything/)
  expect(mistakes('log.dir=${file:/x:y}').join()).toMatch(/need a Java plug-in/)
  expect(mistakes('metric.reporters=')).toEqual([])
})
