import { expect, test } from 'vitest'
import { balanceLeaders, returnLeaders } from '../../../broker/controller/balance-leaders.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import { contextWith, imageAfter, withBroker, withoutBroker, withTopic } from './image-of.ts'

const brokers = withoutBroker(
  [1, 2, 3].reduce((image, id) => withBroker(image, id), emptyImage),
  3,
)
const image = withTopic(brokers, 't', [
  { leader: 2, isr: [1, 2], replicas: [1, 2] },
  { leader: 1, isr: [1, 2], replicas: [1, 2] },
  { leader: 2, isr: [2], replicas: [1, 2] },
  { leader: 1, isr: [1], replicas: [3, 1] },
  { leader: -1, isr: [3], replicas: [3, 1] },
])

function moved(changes: ReturnType<typeof balanceLeaders>) {
  return changes.map(change =>
    change.kind === 'partition' ? [change.index, change.partition?.leader] : undefined,
  )
}

test('leaders move back to the first replica where it is in sync', () => {
  expect(moved(balanceLeaders(image, contextWith()))).toEqual([[0, 1]])
})

test('nobody is moved where that is switched off; leaders that are missing are looked for all the same', () => {
  const rules = { balancesLeaders: () => false, electsUncleanly: () => true }
  expect(moved(balanceLeaders(image, contextWith(rules)))).toEqual([[4, 1]])
})

test('a broker that is about to stop is not moved to', () => {
  expect(moved(balanceLeaders(withBroker(image, 1, { stopping: true }), contextWith()))).toEqual([])
})

test('there are not too many moves at a time', () => {
  const many = Array.from({ length: 3000 }, () => ({ leader: 2, isr: [1, 2], replicas: [1, 2] }))
  expect(balanceLeaders(withTopic(brokers, 'many', many), contextWith())).toHaveLength(1000)
})

/** Broker 1 may restart; `incarnationId` is that of the process that was there then. */
function withGrant(incarnationId: string) {
  const grant = {
    id: 'g',
    brokerId: 1,
    incarnationId,
    durationMs: 60_000,
    holder: 'operator',
    reason: 'roll',
  }
  return imageAfter(image, [{ kind: 'restartGrant', grant: { ...grant, grantedAtMs: 0 } }])
}

test('a broker that may restart any moment is not moved to; its next process is', () => {
  expect(moved(balanceLeaders(withGrant('i1'), contextWith()))).toEqual([])
  expect(moved(balanceLeaders(withGrant('i0'), contextWith()))).toEqual([[0, 1]])
})

test('a broker gets back what it is the first replica of and in sync for, and nothing else is moved', () => {
  const mixed = withTopic(brokers, 't', [
    { leader: 2, isr: [1, 2], replicas: [1, 2] },
    { leader: 2, isr: [2], replicas: [1, 2] },
    { leader: 1, isr: [1, 2], replicas: [2, 1] },
    { leader: -1, isr: [3], replicas: [3, 1] },
  ])
  expect(moved(returnLeaders(mixed, 1, contextWith()))).toEqual([[0, 1]])
})

test('a cordoned broker gets nothing back, nor does anybody where leaders are not balanced', () => {
  expect(moved(returnLeaders(withBroker(image, 1, { cordoned: true }), 1, contextWith()))).toEqual([])
  expect(moved(returnLeaders(image, 1, contextWith({ balancesLeaders: () => false })))).toEqual([])
})
