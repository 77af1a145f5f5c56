import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import type { MetadataImage } from '../../../broker/metadata/image.ts'
import { DirectoryReports } from '../../../broker/replication/directory-reports.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/until.ts'
import { withBroker, withTopic } from '../controller/image-of.ts'

describe('where replicas are', () => {
  let clock: FakeClock
  let image: MetadataImage
  let directories: Map<string, string>
  let told: string[][]
  let answers: ('NONE' | 'NOT_CONTROLLER' | 'INVALID_REQUEST')[]
  let brokerEpoch: number | undefined
  let reports: DirectoryReports

  beforeEach(() => {
    clock = new FakeClock()
    directories = new Map()
    told = []
    answers = []
    brokerEpoch = 5
    image = withTopic(withBroker(emptyImage, 1), 't', [
      { replicas: [2, 1], directories: ['x', 'a'] },
      { replicas: [1] },
      { replicas: [2] },
    ])
    reports = new DirectoryReports({
      brokerId: 1,
      brokerEpoch: () => brokerEpoch,
      image: () => image,
      directoryOf: (topic, partition) => directories.get(`${topic}-${partition}`),
      assign: ({ assignments }) => {
        told.push(
          assignments.map(({ topicId, partitionIndex, directory }) =>
            [topicId, partitionIndex, directory].join(' '),
          ),
        )
        const error = answers.shift() ?? 'NONE'
        const results = error === 'NONE' ? assignments.map(() => ({ error, message: null })) : []
        return Promise.resolve({ error, message: null, results })
      },
      timeoutMs: () => 1000,
      clock,
      random: seededRandom(1),
      logger: silentLogger,
    })
  })

  afterEach(() => reports.close())

  /** Lets time go by until so many commands were sent. */
  async function untilTold(count: number): Promise<void> {
    await until(() => {
      clock.advance(200)
      return told.length >= count
    }, `${count} commands`)
  }

  test('is told for those replicas here of which the metadata says something else, in one command', async () => {
    directories = new Map([
      ['t-0', 'b'],
      ['t-1', 'a'],
      ['t-2', 'a'],
    ])
    reports.check(['id-t'])
    reports.check(['id-t', 'id-gone'])
    await untilTold(1)
    expect(told).toEqual([['id-t 0 b', 'id-t 1 a']])
  })

  test('is not told where it is known, or where there is no log', async () => {
    directories = new Map([['t-0', 'a']])
    reports.check(['id-t'])
    clock.advance(10_000)
    await until(() => clock.pendingTimers === 0, 'everything was looked at')
    expect(told).toEqual([])
  })

  test('is told again until the controller takes it', async () => {
    directories = new Map([['t-1', 'b']])
    answers = ['NOT_CONTROLLER', 'NOT_CONTROLLER']
    reports.check(['id-t'])
    await untilTold(3)
    expect(told).toEqual([['id-t 1 b'], ['id-t 1 b'], ['id-t 1 b']])
  })

  test('waits until the broker is registered and let in', async () => {
    directories = new Map([['t-1', 'b']])
    brokerEpoch = undefined
    reports.check(['id-t'])
    clock.advance(200)
    expect(told).toEqual([])
    brokerEpoch = 6
    await untilTold(1)
    expect(told).toEqual([['id-t 1 b']])
  })
})
