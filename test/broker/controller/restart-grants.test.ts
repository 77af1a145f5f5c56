import { beforeEach, describe, expect, test } from 'vitest'
import type { RestartResult } from '../../../broker/controller/controller-client.ts'
import {
  canRestart,
  endOfGrant,
  type GrantContext,
  grantEnds,
  leadersToReturn,
  releaseRestart,
  requestRestart,
} from '../../../broker/controller/restart-grants.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import type { MetadataImage } from '../../../broker/metadata/image.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { parseLine, type Player, testScripts } from '../../support/script.ts'
import { aPartition, contextWith, imageAfter, withBroker, withoutBroker, withTopic } from './image-of.ts'

testScripts('restart-grants', '', newPlayer)

describe('a request', () => {
  let image: MetadataImage
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
      { ...contextWith(), heldMs: 0, nowMs: 0 },
    )
    expect(result).toMatchObject({ error: 'INVALID_REQUEST', message, safe: false })
    expect(changes).toEqual([])
  })

  test('waits while leaders go back, and a grant is not given back before they have', () => {
    const grant = { id: 'g', brokerId: 1, incarnationId: 'before', durationMs: 60_000 }
    image = imageAfter(withBroker(image, 2), [
      {
        kind: 'restartGrant',
        grant: { ...grant, holder: 'operator', reason: 'a new image', grantedAtMs: 0 },
      },
    ])
    const context = contextWith()
    const release = { brokerId: 1, grantId: null, timeoutMs: 1000 }
    const led = (leader: number) => withTopic(image, 't', [{ leader, isr: [1, 2], replicas: [1, 2] }])
    expect(releaseRestart(led(2), release, context).changes).toEqual([])
    expect(releaseRestart(led(1), release, context).changes).toEqual([grantEnds])
    const kinds = (leader: number) =>
      canRestart(led(leader), { ...asked, brokerId: 2 }, { ...context, heldMs: 0 }).reasons.map(
        ({ kind }) => kind,
      )
    expect(kinds(2)).toEqual(['GrantHeld'])
    expect(kinds(1)).toEqual([])
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
    const { reasons } = canRestart(withoutBroker(image, 3), asked, { ...contextWith(), heldMs: 0 })
    expect(reasons.map(({ kind, partitions }) => [kind, partitions.count, partitions.names.length])).toEqual([
      ['UnderMinIsr', 50, 20],
    ])
    expect(reasons[0]?.message).toMatch(/t-0, t-1, .*, t-19 and 30 more\.$/)
  })
})

/**
 * Plays one cluster: `broker 1` (a new process), `broker 1 starting`, `stopping 1`, `away 1`, `topic t min=2 1,2,3/1,2 …`
 * (replicas / in sync, partition by partition), `isr t 0 1,2`, `moving t 0 1,2,3 adding=3 removing=1`, `can 1`,
 * `request 1`, `request 1 by=itself`, `release 1`, `time 60` (seconds), `controller` (a new one), `cordon 1`,
 * `unbalanced` (auto.leader.rebalance.enable is false).
 */
function newPlayer(): Player {
  let image = emptyImage
  let knownSinceMs = 0
  let incarnation = 0
  let balancesLeaders = true
  const context = contextWith({ balancesLeaders: () => balancesLeaders }, 7)
  const clock = new FakeClock()

  const heldMs = (): number => (image.restartGrant === null ? 0 : clock.monotonicMs() - knownSinceMs)
  const grantContext = (): GrantContext => ({ ...context, heldMs: heldMs() })
  const commit = (changes: Parameters<typeof imageAfter>[1]): void => {
    const before = image.restartGrant?.id
    image = imageAfter(image, changes)
    if (image.restartGrant?.id !== before) knownSinceMs = clock.monotonicMs()
  }
  /** What the controller does unasked. */
  const settle = (): string[] => {
    const brokerId = image.restartGrant?.brokerId
    const moves = leadersToReturn(image, context)
    commit(moves)
    const back = moves.flatMap(move => (move.kind === 'partition' ? [nameOf(image, move)] : []))
    const told = back.length === 0 ? [] : [`leaders go back to broker ${brokerId}: ${back.join(', ')}`]
    const why = endOfGrant(image, grantContext())
    if (why === null) return told
    commit([grantEnds])
    return [...told, `the grant of broker ${brokerId} ends: ${why}`]
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
          return { leader: numbers(isr)[0]!, replicas: numbers(replicas), isr: numbers(isr) }
        })
        const overrides = new Map([['min.insync.replicas', named.get('min') ?? '1']])
        commit([{ kind: 'config', type: 'topic', name: first, overrides }])
        image = withTopic(image, first, partitions)
        return settle()
      }
      case 'isr': {
        const isr = numbers(third)
        const { leader } = image.topicsByName.get(first)!.partitions[Number(second)]!
        setPartition(first, Number(second), { isr, leader: isr.includes(leader) ? leader : isr[0]! })
        return settle()
      }
      case 'cordon': {
        const { id: _, modRevision: __, ...state } = image.brokerStates.get(brokerId)!
        commit([{ kind: 'brokerState', id: brokerId, state: { ...state, cordoned: true } }])
        return settle()
      }
      case 'unbalanced':
        balancesLeaders = false
        return settle()
      case 'moving':
        setPartition(first, Number(second), {
          replicas: numbers(third),
          adding: numbers(named.get('adding') ?? ''),
          removing: numbers(named.get('removing') ?? ''),
        })
        return settle()
      case 'time':
        clock.advance(Number(first) * 1000)
        return settle()
      case 'controller':
        knownSinceMs = clock.monotonicMs()
        return settle()
      case 'can':
        return told(canRestart(image, asked, grantContext()))
      case 'request': {
        const by = named.get('by') ?? 'operator'
        const holder = by === 'itself' ? `broker ${brokerId}` : by
        const request = { ...asked, durationMs: 900_000, holder, reason: 'roll' }
        const { changes, result } = requestRestart(image, request, {
          ...grantContext(),
          nowMs: clock.nowMs(),
        })
        commit(changes)
        return [...(changes.length > 0 ? ['a new grant'] : []), ...told(result)]
      }
      case 'release': {
        const release = { ...asked, grantId: named.get('id') ?? null }
        const { changes } = releaseRestart(image, release, context)
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

function nameOf(
  image: MetadataImage,
  { topicId, index }: { readonly topicId: string; readonly index: number },
) {
  return `${image.topicsById.get(topicId)?.name}-${index}`
}

function numbers(text: string): number[] {
  return text === '' ? [] : text.split(',').map(Number)
}
