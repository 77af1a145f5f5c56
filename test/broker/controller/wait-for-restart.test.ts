import { afterEach, expect, test } from 'vitest'
import type { ControllerClient } from '../../../broker/controller/controller-client.ts'
import { waitForRestart } from '../../../broker/controller/wait-for-restart.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { recordingLogger } from '../../support/recording-logger.ts'
import { newTopic, OneStoreCluster } from './one-store-cluster.ts'

let cluster: OneStoreCluster
let isStoreAway = false
let isRemoved = false

afterEach(() => {
  isStoreAway = false
  isRemoved = false
  return cluster.dispose()
})

const timeoutMs = 60_000
const withinMs = 90_000

async function threeBrokers(): Promise<void> {
  cluster = await OneStoreCluster.start([1, 2, 3])
  const topics = [{ ...newTopic('t', -1, -1), assignments: [{ partitionIndex: 0, brokerIds: [1, 2, 3] }] }]
  await cluster.during(cluster.controller.createTopics({ topics, validateOnly: false, timeoutMs }))
}

interface Waiting {
  readonly isOver: () => boolean
  /** undefined while it waits. */
  readonly mayHandOver: () => boolean | undefined
  readonly asked: () => number
  readonly messages: () => readonly string[]
}

/** Broker `brokerId` was asked to stop. */
function askToStop(brokerId: number, controller: () => ControllerClient = () => cluster.controller): Waiting {
  const { membership, clock } = cluster.brokers.get(brokerId)!
  const { logger, lines } = recordingLogger()
  let mayHandOver: boolean | undefined
  let asked = 0
  const broker = {
    get image() {
      return membership.image
    },
    get isRegistered() {
      return membership.isRegistered
    },
    get isStoreAway() {
      return isStoreAway
    },
    controller: {
      requestRestart: (command: Parameters<ControllerClient['requestRestart']>[0]) => {
        asked++
        return controller().requestRestart(command)
      },
    },
  }
  const options = {
    brokerId,
    withinMs,
    silenceMs: 12_000,
    isRemoved: async () => isRemoved,
    clock,
    random: seededRandom(brokerId),
    logger,
  }
  void waitForRestart(broker, options).then(may => {
    mayHandOver = may
  })
  return {
    isOver: () => mayHandOver !== undefined,
    mayHandOver: () => mayHandOver,
    asked: () => asked,
    messages: () => lines.map(({ msg }) => String(msg)),
  }
}

test('a broker that nobody else waits for may go at once, and others then may not', async () => {
  await threeBrokers()
  const waiting = askToStop(2)
  await cluster.until(waiting.isOver)
  expect(cluster.image.restartGrant).toMatchObject({ brokerId: 2, holder: 'broker 2' })
  const answer = await cluster.controller.canRestart({ brokerId: 1, timeoutMs })
  expect(answer.reasons.map(({ message }) => message)).toEqual([
    'Broker 2 may restart until it is back in sync and leads again, for 300 s at most (broker 2: it was asked to stop).',
  ])
})

test('of two that are asked to stop the second serves until the first is back', async () => {
  await threeBrokers()
  const first = askToStop(2)
  await cluster.until(first.isOver)
  const second = askToStop(3)
  await cluster.until(() => second.messages().length > 0)
  const { epoch: stoppingEpoch } = cluster.image.brokers.get(2)!
  await cluster.during(
    cluster.controller.prepareToStop({ brokerId: 2, brokerEpoch: stoppingEpoch, timeoutMs }),
  )
  await cluster.leave(2)
  await cluster.advance(10_000)
  expect(second.isOver()).toBe(false)
  await cluster.join(2)
  await cluster.advance(5000)
  expect(second.isOver()).toBe(false) // not in sync yet
  const { leader, leaderEpoch, partitionEpoch } = cluster.partition('t')
  const { epoch: brokerEpoch } = cluster.image.brokers.get(leader)!
  await cluster.during(
    cluster.controller.alterPartition({
      brokerId: leader,
      brokerEpoch,
      partitions: [
        {
          topicId: cluster.image.topicsByName.get('t')!.id,
          partitionIndex: 0,
          leaderEpoch,
          partitionEpoch,
          newIsr: [1, 2, 3].map(id => ({ brokerId: id, brokerEpoch: cluster.image.brokers.get(id)!.epoch })),
          recovering: false,
        },
      ],
      timeoutMs,
    }),
  )
  await cluster.advance(3000)
  expect(second.isOver()).toBe(true)
  expect(cluster.image.restartGrant).toMatchObject({ brokerId: 3 })
  expect(second.messages()).toEqual([
    'This broker is to stop, and serves on until it may be away.',
    ...second.messages().slice(1, -1),
    'This broker may be away now.',
  ])
})

test('of all that are asked to stop each serves until those before it are back', async () => {
  await threeBrokers()
  const waiting = [2, 3, 1].map(id => askToStop(id))
  await cluster.until(() => waiting.some(({ isOver }) => isOver()))
  await cluster.advance(4000)
  expect(waiting.filter(({ isOver }) => isOver())).toHaveLength(1)
})

test('a grant that somebody else was given for this broker counts', async () => {
  await threeBrokers()
  const granted = await cluster.during(
    cluster.controller.requestRestart({
      brokerId: 2,
      durationMs: 60_000,
      holder: 'operator',
      reason: 'roll',
      timeoutMs,
    }),
  )
  const waiting = askToStop(2)
  await cluster.until(waiting.isOver)
  expect(cluster.image.restartGrant?.id).toBe(granted.grant?.id)
})

test('one that is refused until its time is over stops all the same', async () => {
  await threeBrokers()
  const first = askToStop(2)
  await cluster.until(first.isOver)
  const second = askToStop(3)
  await cluster.advance(withinMs - 2000)
  expect(second.isOver()).toBe(false)
  await cluster.advance(4000)
  expect(second.isOver()).toBe(true)
  expect(second.messages().at(-1)).toBe(
    'This broker may not be away now; it has waited enough and stops all the same.',
  )
})

test('without a controller it waits only as long as another one may need to come', async () => {
  await threeBrokers()
  const waiting = askToStop(2, () => cluster.brokers.get(2)!.membership.localController)
  await cluster.advance(11_000)
  expect(waiting.isOver()).toBe(false)
  await cluster.advance(3000)
  expect(waiting.isOver()).toBe(true)
  expect(waiting.messages().at(-1)).toBe(
    'No controller says whether this broker may be away now; it stops all the same.',
  )
})

test('when the whole cluster is being removed nobody is waited for', async () => {
  await threeBrokers()
  const first = askToStop(2)
  await cluster.until(first.isOver)
  const second = askToStop(3)
  await cluster.advance(5000)
  expect(second.isOver()).toBe(false)
  isRemoved = true
  await cluster.advance(2000)
  expect(second.isOver()).toBe(true)
})

test('a store that goes with the brokers is not waited for', async () => {
  await threeBrokers()
  const first = askToStop(2)
  await cluster.until(first.isOver)
  const second = askToStop(3)
  await cluster.advance(5000)
  expect(second.isOver()).toBe(false)
  isStoreAway = true
  await cluster.advance(1000)
  isStoreAway = false // a hiccup
  await cluster.advance(5000)
  expect(second.isOver()).toBe(false)
  isStoreAway = true
  await cluster.advance(4000)
  expect(second.isOver()).toBe(true)
})

test('the last one that is left waits for the others', async () => {
  await threeBrokers()
  for (const id of [2, 3]) await cluster.leave(id)
  const last = askToStop(1)
  await cluster.advance(20_000)
  expect(last.isOver()).toBe(false)
})

test('one whose replicas nobody else has asks nobody', async () => {
  await threeBrokers()
  await cluster.join(4)
  const topics = [{ ...newTopic('own', -1, -1), assignments: [{ partitionIndex: 0, brokerIds: [4] }] }]
  await cluster.during(cluster.controller.createTopics({ topics, validateOnly: false, timeoutMs }))
  const waiting = askToStop(4)
  await cluster.until(waiting.isOver)
  expect(waiting.asked()).toBe(0)
})

test('one whose registration was lost asks nobody: others have taken over', async () => {
  await threeBrokers()
  cluster.pause(2)
  await cluster.advance(20_000)
  const waiting = askToStop(2)
  await cluster.until(waiting.isOver)
  expect(waiting.asked()).toBe(0)
})
