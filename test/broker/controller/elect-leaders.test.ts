import { describe, expect, test } from 'vitest'
import { electLeader, partitionsToElect } from '../../../broker/controller/elect-leaders.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import { contextWith, withBroker, withoutBroker, withTopic } from './image-of.ts'

const brokers = [1, 2, 3].reduce((image, id) => withBroker(image, id), emptyImage)
const image = withTopic(withoutBroker(brokers, 3), 't', [
  { leader: 2, isr: [1, 2], replicas: [1, 2] },
  { leader: 1, isr: [1, 2], replicas: [1, 2] },
  { leader: 2, isr: [2], replicas: [1, 2] },
  { leader: -1, isr: [3], replicas: [3, 1] },
  { leader: -1, isr: [3], replicas: [3] },
])
const timeoutMs = 1000

function elect(partition: number, election: 'preferred' | 'unclean') {
  const { changes, result } = electLeader(image, { topic: 't', partition }, election, contextWith())
  const [change] = changes
  return [result.error, change?.kind === 'partition' ? change.partition?.leader : undefined]
}

describe('electing leaders on request', () => {
  test('the first replica leads when it is in sync and alive, else nothing changes', () => {
    expect([0, 1, 2, 3].map(partition => elect(partition, 'preferred'))).toEqual([
      ['NONE', 1],
      ['ELECTION_NOT_NEEDED', undefined],
      ['PREFERRED_LEADER_NOT_AVAILABLE', undefined],
      ['PREFERRED_LEADER_NOT_AVAILABLE', undefined],
    ])
  })

  test('anyone alive leads where nobody does', () => {
    expect([0, 3, 4].map(partition => elect(partition, 'unclean'))).toEqual([
      ['ELECTION_NOT_NEEDED', undefined],
      ['NONE', 1],
      ['ELIGIBLE_LEADERS_NOT_AVAILABLE', undefined],
    ])
  })

  test('what does not exist is said', () => {
    const of = (topic: string, partition: number) =>
      electLeader(image, { topic, partition }, 'preferred', contextWith()).result
    expect(of('x', 0)).toMatchObject({ error: 'UNKNOWN_TOPIC_OR_PARTITION', message: 'There is no topic x.' })
    expect(of('t', 9).message).toBe('There is no partition t-9.')
  })

  test('all means those without such a leader', () => {
    const of = (election: 'preferred' | 'unclean') =>
      partitionsToElect(image, { election, partitions: null, timeoutMs }).map(({ partition }) => partition)
    expect(of('preferred')).toEqual([0, 2, 3, 4])
    expect(of('unclean')).toEqual([3, 4])
  })
})
