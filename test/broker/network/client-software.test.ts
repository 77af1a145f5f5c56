import { expect, test } from 'vitest'
import { clientSoftwareMetric } from '../../../broker/network/client-software.ts'
import { figures } from '../../support/figures.ts'

const name = 'kafka_server_socket_server_metrics_connections'
const of = (
  software: string | undefined,
): { clientSoftware: { name: string; version: string } | undefined } => ({
  clientSoftware: software === undefined ? undefined : { name: software, version: '1.2' },
})

test('open connections are counted by listener and software', () => {
  const metric = clientSoftwareMetric(() => [
    { name: 'INSIDE', connections: [of('librdkafka'), of('kafkajs'), of(undefined), of('librdkafka')] },
    { name: 'OUTSIDE', connections: [of('kafkajs')] },
  ])
  expect(figures([metric], name)).toEqual(
    new Map([
      ['listener=INSIDE,client_software_name=librdkafka,client_software_version=1.2', 2],
      ['listener=INSIDE,client_software_name=kafkajs,client_software_version=1.2', 1],
      ['listener=INSIDE,client_software_name=unknown,client_software_version=unknown', 1],
      ['listener=OUTSIDE,client_software_name=kafkajs,client_software_version=1.2', 1],
    ]),
  )
})

test('a hundred kinds are told apart, connections of more are counted together', () => {
  const connections = [...Array.from({ length: 130 }, (_, at) => of(`client-${at}`)), of('client-7')]
  const counts = figures([clientSoftwareMetric(() => [{ name: 'INSIDE', connections }])], name)
  expect(counts.size).toBe(101)
  expect(counts.get('listener=INSIDE,client_software_name=client-7,client_software_version=1.2')).toBe(2)
  expect(counts.get('listener=INSIDE,client_software_name=other,client_software_version=other')).toBe(30)
})
