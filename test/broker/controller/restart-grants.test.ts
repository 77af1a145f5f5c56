import { beforeEach, describe, expect, test } from 'vitest'
import type { RestartResult } from '../../../broker/controller/controller-client.ts'
import {
  canRestart,
  endOfGrant,
  grantEnds,
  releaseRestart,
  requestRestart,
} from '../../../broker/controller/restart-grants.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import type { MetadataImage } from '../../../broker/metadata/image.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { parseLine, type Player, testScripts } from '../../support/script.ts'
import { aPartition, imageAfter, withBroker, withoutBroker, withTopic } from './image-of.ts'

testScripts('restart-grants', '', newPlayer)

describe('a request', () => {
  let image: MetadataImage
  const random = seededRandom(1)
  const asked = {
    brokerId: 1,
    durationMs: 60_000,
    holder: 'operator',
    reason: 'a new image',
    timeoutMs: 1000,
  }

  beforeEach(() => {
    image = withBroker(emptyImage, 1)
  })

  test.each([
    [{ durationMs: 999 }, 'The grant is to hold for 999 ms; give 1000 to 3600000.'],
    [{ durationMs: 3_600_001 }, 'The grant is to hold for 3600001 ms; give 1000 to 3600000.'],
    [{ holder: '' }, 'Say who asks for the restart and why.'],
    [{ reason: 'x'.repeat(501) }, 'Say who asks for the restart and why in at most 500 characters each.'],
  ])('that makes no sense is refused: %j', (change, message) => {
    const { changes, result } = requestRestart(
      image,
      { ...asked, ...change },
      { random, heldMs: 0, nowMs: 0 },
    )
    expect(result).toMatchObject({ error: 'INVALID_REQUEST', message, safe: false })
    expect(changes).toEqual([])
  })

  test('that would hurt many partitions names some of them and counts the rest', () => {
    image = withBroker(withBroker(image, 2), 3)
    image = withTopic(
      imageAfter(image, [
        { kind: 'config', type: 'topic', name: 't', overrides: new Map([['min.insync.replicas', '2']]) },
      ]),
      't',
      Array.from({ length: 50 }, () => ({ replicas: [1, 2, 3], isr: [1, 2] })),
    )
    const { reasons } = canRestart(withoutBroker(image, 3), asked, 0)
    expect(reasons.map(({ kind, partitions }) => [kind, partitions.count, partitions.names.length])).toEqual([
      ['UnderMinIsr', 50, 20],
    ])
    expect(reasons[0]?.message).toMatch(/t-0, t-1, .*, t-19 and 30 more\.$/)
  })
})

/**
 * Plays one cluster: `broker 1` (a new process), `broker 1 starting`, `stopping 1`, `away 1`, `topic t min=2 1,2,3/1,2 …`
 * (replicas / in sync, partition by partition), `isr t 0 1,2`, `moving t 0 1,2,3 adding=3 removing=1`, `can 1`,
 * `request 1`, `release 1`, `time 60` (seconds), `controller` (a new one).
 */
function newPlayer(): Player {
  let image = emptyImage
  let nowMs = 0
  let knownSinceMs = 0
  let incarnation = 0
  const random = seededRandom(7)

  const heldMs = (): number => (image.restartGrant === null ? 0 : nowMs - knownSinceMs)
  const commit = (changes: Parameters<typeof imageAfter>[1]): void => {
    const before = image.restartGrant?.id
    image = imageAfter(image, changes)
    if (image.restartGrant?.id !== before) knownSinceMs = nowMs
  }
  /** What the controller does unasked. */
  const settle = (): string[] => {
    const why = endOfGrant(image, heldMs())
    if (why === null) return []
    const brokerId = image.restartGrant?.brokerId
    commit([grantEnds])
    return [`the grant of broker ${brokerId} ends: ${why}`]
  }
  const setPartition = (name: string, at: number, change: Parameters<typeof aPartition>[0]): void => {
    const topic = image.topicsByName.get(name)!
    const { modRevision: _, ...before } = topic.partitions[at]!
    commit([{ kind: 'partition', topicId: topic.id, index: at, partition: { ...before, ...change } }])
  }

  return line => {
    const { words, named } = parseLine(line)
    const [command = '', first = '', second = '', third = ''] = words
    const brokerId = Number(first)
    const asked = { brokerId, timeoutMs: 1000 }
    switch (command) {
      case 'broker':
        image = withBroker(withoutBroker(image, brokerId), brokerId, {
          incarnationId: `i${++incarnation}`,
          fenced: second === 'starting',
        })
        return settle()
      case 'stopping': {
        const { id: _, modRevision: __, ...state } = image.brokerStates.get(brokerId)!
        commit([
          { kind: 'brokerState', id: brokerId, state: { ...state, stoppingEpoch: state.admittedEpoch } },
        ])
        return settle()
      }
      case 'away':
        image = withoutBroker(image, brokerId)
        return settle()
      case 'topic': {
        const partitions = words.slice(2).map(text => {
          const [replicas = '', isr = replicas] = text.split('/')
          return { replicas: numbers(replicas), isr: numbers(isr) }
        })
        const overrides = new Map([['min.insync.replicas', named.get('min') ?? '1']])
        commit([{ kind: 'config', type: 'topic', name: first, overrides }])
        image = withTopic(image, first, partitions)
        return settle()
      }
      case 'isr':
        setPartition(first, Number(second), { isr: numbers(third) })
        return settle()
      case 'moving':
        setPartition(first, Number(second), {
          replicas: numbers(third),
          adding: numbers(named.get('adding') ?? ''),
          removing: numbers(named.get('removing') ?? ''),
        })
        return settle()
      case 'time':
        nowMs += Number(first) * 1000
        return settle()
      case 'controller':
        knownSinceMs = nowMs
        return settle()
      case 'can':
        return told(canRestart(image, asked, heldMs()))
      case 'request': {
        const request = {
          ...asked,
          durationMs: 900_000,
          holder: named.get('by') ?? 'operator',
          reason: 'roll',
        }
        const { changes, result } = requestRestart(image, request, { random, heldMs: heldMs(), nowMs })
        commit(changes)
        return [...(changes.length > 0 ? ['a new grant'] : []), ...told(result)]
      }
      case 'release': {
        const { changes } = releaseRestart(image, { ...asked, grantId: named.get('id') ?? null })
        commit(changes)
        return [changes.length > 0 ? 'released' : 'nothing to release']
      }
      default:
        throw new Error(`There is no ${command}.`)
    }
  }
}

function told({ safe, reasons, tolerated, grant }: RestartResult): string[] {
  return [
    safe ? 'may restart' : 'may not restart',
    ...reasons.map(({ kind, message }) => `  ${kind}: ${message}`),
    ...(tolerated.count > 0 ? [`  goes without: ${tolerated.names.join(', ')}`] : []),
    ...(grant === null ? [] : [`  grant: broker ${grant.brokerId}, ${grant.expiresInMs / 1000} s left`]),
  ]
}

function numbers(text: string): number[] {
  return text === '' ? [] : text.split(',').map(Number)
}
