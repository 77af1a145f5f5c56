import { expect, test } from 'vitest'
import { brokerEndpoints } from '../../../broker/api/cluster-view.ts'
import { decideLiveness } from '../../../broker/controller/broker-liveness.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import { contextWith, imageAfter, withBroker, withoutBroker } from '../controller/image-of.ts'

const listener = (port: number) => ({
  listeners: [{ name: 'L', host: 'h', port, securityProtocol: 'PLAINTEXT' as const }],
})

test('brokers that are away or not let in are told when they are asked for', () => {
  const registered = withBroker(withBroker(emptyImage, 2, { fenced: true, ...listener(2) }), 1, listener(1))
  const admitted = imageAfter(registered, decideLiveness(registered, contextWith()).admissions)
  const image = withBroker(withoutBroker(admitted, 2), 3, { fenced: true, ...listener(3) })
  const told = (includeFenced: boolean) =>
    brokerEndpoints(image, 'L', { includeFenced }).map(({ id, port, fenced }) => [id, port, fenced])
  expect(told(false)).toEqual([[1, 1, false]])
  expect(told(true)).toEqual([
    [1, 1, false],
    [2, 2, true],
    [3, 3, true],
  ])
  expect(brokerEndpoints(image, 'M', { includeFenced: true })).toEqual([])
})
