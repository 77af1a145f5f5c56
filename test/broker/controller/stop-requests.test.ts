import { beforeEach, expect, test } from 'vitest'
import { holderOf, StopRequests } from '../../../broker/controller/stop-requests.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import type { MetadataImage } from '../../../broker/metadata/image.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { imageAfter, withBroker, withoutBroker, withTopic } from './image-of.ts'

let image: MetadataImage
let clock: FakeClock
let requests: StopRequests

beforeEach(() => {
  const brokers = [1, 2, 3, 4].reduce((before, id) => withBroker(before, id), emptyImage)
  // Broker 4 is away, and nobody else has what it has: it asks nobody.
  const partitions = [{ replicas: [1, 2] }, { replicas: [2, 3] }, { replicas: [4] }]
  image = withTopic(withoutBroker(brokers, 4), 't', partitions)
  clock = new FakeClock()
  requests = new StopRequests(clock)
})

const request = (brokerId: number, holder = holderOf(brokerId)) => ({
  brokerId,
  holder,
  durationMs: 300_000,
  reason: 'it was asked to stop',
  timeoutMs: 5000,
})

function ask(...ids: readonly number[]): boolean[] {
  return ids.map(id => {
    requests.note(image, request(id))
    return requests.isOfAll(image, request(id), clock.monotonicMs() - grantedAtMs)
  })
}

let grantedAtMs = 0

/** Broker `brokerId` holds the grant and is gone. */
function goneWithGrant(brokerId: number, holder = holderOf(brokerId)): void {
  grantedAtMs = clock.monotonicMs()
  const grant = {
    id: 'grant',
    brokerId,
    incarnationId: `i${brokerId}`,
    durationMs: 300_000,
    holder,
    reason: 'it was asked to stop',
    grantedAtMs: clock.nowMs(),
  }
  image = withoutBroker(imageAfter(image, [{ kind: 'restartGrant', grant }]), brokerId)
}

test('all are told to stop when the last one has asked, and each that asks again hears it', () => {
  expect(ask(1, 2, 3, 1, 2)).toEqual([false, false, true, true, true])
})

test('what others ask for does not count, and is not told yes', () => {
  ask(1, 2)
  requests.note(image, request(3, 'operator'))
  expect(ask(1)).toEqual([false])
  ask(3)
  expect(requests.isOfAll(image, request(1, 'operator'), 0)).toBe(false)
})

test('those that asked long before the last one were not told to stop together', () => {
  ask(1)
  clock.advance(9000)
  ask(2)
  expect(ask(3)).toEqual([true])
  clock.advance(1000)
  expect(ask(2, 3)).toEqual([false, false])
})

test('one that is away without having asked is waited for: two of three are not all', () => {
  image = withoutBroker(image, 1)
  expect(ask(2, 3, 2)).toEqual([false, false, false])
})

test('one that asked and is gone is not waited for, until its next process comes', () => {
  ask(1)
  image = withoutBroker(image, 1)
  expect(ask(2, 3)).toEqual([false, true])
  image = withBroker(image, 1, { incarnationId: 'next', fenced: true })
  expect(ask(2, 3)).toEqual([false, false])
})

test('one that asked another controller is known by the grant that it holds, for as long', () => {
  goneWithGrant(1)
  expect(ask(2, 3)).toEqual([false, true])
  clock.advance(10_000)
  expect(ask(2, 3, 2)).toEqual([false, false, false])
})

test('a grant that the operator was given says nothing of who is told to stop', () => {
  goneWithGrant(1, 'operator')
  expect(ask(2, 3, 2)).toEqual([false, false, false])
})

test('an old grant that this controller came to know only now is none of now', () => {
  goneWithGrant(1)
  clock.advance(60_000)
  grantedAtMs = clock.monotonicMs()
  expect(ask(2, 3, 2)).toEqual([false, false, false])
})
