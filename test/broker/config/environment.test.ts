import { expect, test } from 'vitest'
import { brokerSettingTable } from '../../../broker/config/broker-settings.ts'
import { environmentVariable, settingsFromEnvironment } from '../../../broker/config/environment.ts'

test('variables are named as for the images of Kafka', () => {
  expect(
    settingsFromEnvironment({
      KAFKA_LOG_RETENTION_HOURS: '2',
      KAFKA_CFG_NUM_PARTITIONS: '3',
      BARNABAS_HTTP_LISTENERS: 'http://:1',
      CLUSTER_ID: 'abc',
      HOME: '/root',
    }).map(({ name, value }) => [name, value]),
  ).toEqual([
    ['cluster.id', 'abc'],
    ['log.retention.hours', '2'],
    ['num.partitions', '3'],
    ['http.listeners', 'http://:1'],
  ])
})

test('our own prefix comes after the other and so wins', () => {
  const found = settingsFromEnvironment({ BARNABAS_NUM_PARTITIONS: '2', KAFKA_NUM_PARTITIONS: '1' })
  expect(found.map(({ variable }) => variable)).toEqual(['KAFKA_NUM_PARTITIONS', 'BARNABAS_NUM_PARTITIONS'])
})

test('variables of start scripts and of Kubernetes services are no settings', () => {
  expect(
    settingsFromEnvironment({
      KAFKA_HEAP_OPTS: '-Xmx1G',
      KAFKA_LOG4J_ROOT_LOGLEVEL: 'INFO',
      KAFKA_JMX_PORT: '9999',
      KAFKA_PORT: 'tcp://10.0.0.1:9092',
      KAFKA_PORT_9092_TCP_ADDR: '10.0.0.1',
      BARNABAS_INTERNAL_SERVICE_HOST: '10.0.0.1',
      BARNABAS_SERVICE_PORT_CLIENTS: '9092',
    }),
  ).toEqual([])
})

test('every setting has a variable of its own', () => {
  for (const name of Object.keys(brokerSettingTable)) {
    const variable = environmentVariable(name)
    expect(settingsFromEnvironment({ [variable]: 'x' })[0]?.name, variable).toBe(name)
  }
})
