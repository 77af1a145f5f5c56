import { expect, test } from 'vitest'
import { AutoTopicCreation } from '../../../broker/api/auto-topic-creation.ts'
import type {
  ControllerClient,
  CreateTopics,
  CreateTopicResult,
} from '../../../broker/controller/controller-client.ts'
import { InternalTopicCreation } from '../../../broker/api/internal-topic-creation.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { recordingLogger } from '../../support/recording-logger.ts'
import { until } from '../../support/until.ts'

/** With a controller that answers when the test says so. */
function creation(enabled = true) {
  const asked: {
    readonly name: string
    readonly partitions: number
    answer(result: Partial<CreateTopicResult>): void
  }[] = []
  const createTopics = ({ topics }: CreateTopics) =>
    new Promise<CreateTopicResult[]>(resolve => {
      const name = topics[0]?.name ?? ''
      const made = {
        name,
        error: 'NONE',
        message: null,
        topicId: '',
        numPartitions: 1,
        replicationFactor: 1,
      } as const
      asked.push({
        name,
        partitions: topics[0]?.numPartitions ?? 0,
        answer: result => resolve([{ ...made, configs: new Map(), ...result }]),
      })
    })
  const { logger, lines } = recordingLogger()
  // Nothing else of the controller is asked for.
  const controller = { createTopics } as unknown as ControllerClient
  const shape = () => ({ numPartitions: 50, replicationFactor: 3, configs: [] })
  const topics = new Map([['__consumer_offsets', shape]])
  const clock = new FakeClock()
  const internalTopics = new InternalTopicCreation({ controller, topics, clock, logger })
  return {
    asked,
    lines,
    clock,
    internalTopics,
    creation: new AutoTopicCreation({ enabled, controller, internalTopics, logger }),
  }
}

test('a topic that is being created is not created a second time', async () => {
  const { asked, creation: auto } = creation()
  for (let at = 0; at < 3; at++) expect(auto.errorFor('wanted', true)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  expect(asked.map(({ name }) => name)).toEqual(['wanted'])
  asked[0]?.answer({})
  await until(() => {
    auto.errorFor('wanted', true)
    return asked.length === 2
  }, 'it may be asked for again')
})

test('of a flood of names a hundred are under way at a time', () => {
  const { asked, creation: auto } = creation()
  for (let at = 0; at < 1000; at++) auto.errorFor(`flood${at}`, true)
  expect(asked).toHaveLength(100)
})

test('nothing is created when it is switched off, not allowed by the request, or no name for a topic', () => {
  const off = creation(false)
  off.creation.errorFor('wanted', true)
  const on = creation()
  on.creation.errorFor('wanted', false)
  expect(on.creation.errorFor('../etc', true)).toBe('INVALID_TOPIC_EXCEPTION')
  expect([...off.asked, ...on.asked]).toEqual([])
})

test('a creation that fails is logged; one that somebody else was faster with is not', async () => {
  const { asked, creation: auto, lines } = creation()
  auto.errorFor('exists', true)
  auto.errorFor('fails', true)
  asked[0]?.answer({ error: 'TOPIC_ALREADY_EXISTS' })
  asked[1]?.answer({ error: 'INVALID_REPLICATION_FACTOR', message: 'too few brokers' })
  await until(() => lines.length > 0, 'the failure is logged')
  expect(lines).toMatchObject([{ level: 'warn', topic: 'fails', error: 'INVALID_REPLICATION_FACTOR' }])
})

test('an internal topic is made in the form that its coordinator needs', () => {
  const { asked, creation: auto, internalTopics } = creation()
  expect(auto.errorFor('__consumer_offsets', true)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  internalTopics.ensure('__consumer_offsets')
  expect(asked).toMatchObject([{ name: '__consumer_offsets', partitions: 50 }])
})

test('an internal topic that cannot be made is told once a minute, and tried again whenever it is asked for', async () => {
  const { asked, lines, clock, internalTopics } = creation()
  for (let attempt = 0; attempt < 3; attempt++) {
    internalTopics.ensure('__consumer_offsets')
    asked[attempt]?.answer({ error: 'INVALID_REPLICATION_FACTOR', message: 'Too few brokers.' })
    await until(() => {
      internalTopics.ensure('__consumer_offsets')
      return asked.length > attempt + 1
    }, 'the topic is asked for again')
    if (attempt === 1) clock.advance(60_000)
  }
  expect(lines.filter(({ topic }) => topic === '__consumer_offsets').length).toBe(2)
})
