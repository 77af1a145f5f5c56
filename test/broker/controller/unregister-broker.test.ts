import { expect, test } from 'vitest'
import { brokersForPlacement } from '../../../broker/controller/placement.ts'
import { unregisterBroker } from '../../../broker/controller/unregister-broker.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import { imageAfter, withBroker, withoutBroker } from './image-of.ts'

const image = withoutBroker(withBroker(withBroker(emptyImage, 1), 2), 2)
const timeoutMs = 1000

test('a broker that is away is forgotten', () => {
  const { changes, result } = unregisterBroker(image, { brokerId: 2, timeoutMs })
  expect(result.error).toBe('NONE')
  expect(brokersForPlacement(image).map(({ id }) => id)).toEqual([1, 2])
  expect(brokersForPlacement(imageAfter(image, changes)).map(({ id }) => id)).toEqual([1])
})

test('one that runs, or was never there, is not', () => {
  expect(unregisterBroker(image, { brokerId: 1, timeoutMs }).result).toMatchObject({
    error: 'INVALID_REQUEST',
    message: 'Broker 1 is running. Stop it first: it would register again at once.',
  })
  expect(unregisterBroker(image, { brokerId: 3, timeoutMs }).result.error).toBe('BROKER_ID_NOT_REGISTERED')
})
