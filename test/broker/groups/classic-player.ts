import { checkMember, type ClassicGroup, newClassicGroup } from '../../../broker/groups/classic-group.ts'
import { classicGroupRules } from '../../../broker/groups/classic-group-rules.ts'
import { joinGroup } from '../../../broker/groups/classic-join.ts'
import {
  afterLoad,
  heartbeat,
  leaveGroup,
  sessionOver,
  syncTimeOver,
} from '../../../broker/groups/classic-members.ts'
import { initialDelayOver, joinTimeOver } from '../../../broker/groups/classic-rebalance.ts'
import type { ClassicEffect, JoinReply, Step, SyncReply } from '../../../broker/groups/classic-step.ts'
import { syncGroup } from '../../../broker/groups/classic-sync.ts'
import { applyGroupRecord } from '../../../broker/groups/apply-records.ts'
import {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
} from '../../../broker/groups/group-records.ts'
import type { GroupSettings, Now } from '../../../broker/groups/group-settings.ts'
import { GroupState } from '../../../broker/groups/group-state.ts'
import { outsideTransactions } from '../../../broker/coordinator/shard-kind.ts'
import { ShardTimers } from '../../../broker/coordinator/shard-timers.ts'
import { Timeline } from '../../../broker/coordinator/timeline.ts'
import { consumerProtocolSubscription, encodeVersioned, type ErrorName } from '../../../protocol/index.ts'
import { unreachable } from '../../../runtime/assert.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { parseLine, type Player } from '../../support/script.ts'

/**
 * Plays scripts against the machine of classic groups. It carries out effects as a shard does, on a clock that `advance`
 * moves, and tells what happens in words. Signs of life are told only after `sessions shown`: they are many.
 */
export function classicPlayer(): Player {
  const player = new ClassicPlayer()
  return line => player.play(line)
}

export const testSettings: GroupSettings = {
  'group.min.session.timeout.ms': 6000,
  'group.max.session.timeout.ms': 1_800_000,
  'group.initial.rebalance.delay.ms': 3000,
  'group.max.size': 2 ** 31 - 1,
  'offset.metadata.max.bytes': 4096,
  'offsets.retention.minutes': 10_080,
  'offsets.retention.check.interval.ms': 600_000,
}

class ClassicPlayer {
  readonly #clock = new FakeClock()
  readonly #timers = new ShardTimers(this.#clock)
  readonly #parked = new Set<string>()
  #state = new GroupState(new Timeline())
  #settings = testSettings
  #refusal: ErrorName | undefined
  #sessionsShown = false
  #newMembers = 0
  #written: GroupRecord[] = []
  #output: string[] = []

  constructor() {
    this.#state.groups.set('g', newClassicGroup('g', this.#clock.nowMs()))
  }

  play(line: string): readonly string[] {
    this.#output = []
    const before = this.#group.state
    this.#obey(line)
    const after = this.#group.state
    if (after !== before && !this.#output.some(told => told.startsWith('state ')))
      this.#output.push(`state ${after}`)
    return this.#output
  }

  get #group(): ClassicGroup {
    const group = this.#state.groups.get('g')
    if (group?.kind !== 'classic') throw new Error('The group of a script is a classic one.')
    return group
  }

  #now(): Now {
    return { nowMs: this.#clock.nowMs(), settings: this.#settings }
  }

  #obey(line: string): void {
    const { words, named } = parseLine(line)
    const [verb = '', first = '-'] = words
    const number = (name: string, otherwise: number): number => Number(named.get(name) ?? otherwise)
    const memberId = first === '-' ? '' : first
    const instanceId = named.get('instance') ?? null
    switch (verb) {
      case 'join':
        this.#join(memberId, instanceId, named, number)
        return
      case 'sync': {
        const assignments = new Map(pairs(named.get('assign')).map(([id, text]) => [id, Buffer.from(text)]))
        const generation = number('generation', this.#group.generation)
        const protocolType = named.get('type') ?? null
        const protocol = named.get('protocol') ?? null
        const event = { memberId, instanceId, generation, protocolType, protocol, assignments }
        this.#take(syncGroup(this.#group, event, this.#now()), reply => `sync: ${syncReply(reply)}`)
        return
      }
      case 'heartbeat': {
        const generation = number('generation', this.#group.generation)
        this.#take(
          heartbeat(this.#group, { memberId, instanceId, generation }),
          error => `heartbeat: ${error}`,
        )
        return
      }
      case 'leave': {
        const members = words.slice(1).map(word => {
          const [id = '', instance = null] = word.split('/')
          return { memberId: id === '-' ? '' : id, instanceId: instance }
        })
        this.#take(leaveGroup(this.#group, members, this.#now()), errors => `leave: ${errors.join(' ')}`)
        return
      }
      case 'commit': {
        const generation = number('generation', memberId === '' ? -1 : this.#group.generation)
        const identity = {
          memberId,
          instanceId,
          generation,
          apiVersion: 9,
          isTransactional: words.includes('transactional'),
        }
        const verdict = classicGroupRules.checkCommit(this.#group, identity)
        this.#output.push(`commit: ${String(verdict)}`)
        return
      }
      case 'advance':
        this.#clock.advance(Number(first))
        return
      case 'set':
        for (const [name, value] of named) this.#settings = { ...this.#settings, [name]: Number(value) }
        return
      case 'refuse':
        this.#refusal = first === '-' ? undefined : (first as ErrorName)
        return
      case 'sessions':
        this.#sessionsShown = true
        return
      case 'load':
        this.#load()
        return
      case 'show':
        this.#show()
        return
      default:
        throw new Error(`A script says what nobody understands: ${line}`)
    }
  }

  #join(
    memberId: string,
    instanceId: string | null,
    named: ReadonlyMap<string, string>,
    number: (name: string, otherwise: number) => number,
  ): void {
    const version = number('v', 9)
    const sessionTimeoutMs = number('session', 10_000)
    const known = memberId === '' ? undefined : this.#group.members.get(memberId)
    const event = {
      memberId,
      instanceId:
        instanceId ??
        (checkMember(this.#group, memberId, null) === 'NONE' ? known?.instanceId : null) ??
        null,
      clientId: named.get('client') ?? 'c',
      clientHost: '/1.2.3.4',
      sessionTimeoutMs,
      rebalanceTimeoutMs: version === 0 ? sessionTimeoutMs : number('rebalance', 60_000),
      protocolType: named.get('type') ?? 'consumer',
      protocols: new Map(
        pairs(named.get('protocols') ?? 'range:x').map(([name, text]) => [name, metadata(text)]),
      ),
      mustKnowItsId: version >= 4,
      maySkipAssignment: version >= 9,
      newIdSuffix: memberId === '' ? String(++this.#newMembers) : '',
    }
    if (named.get('protocols') === 'none') event.protocols.clear()
    this.#take(joinGroup(this.#group, event, this.#now()), reply => `join: ${joinReply(reply)}`)
  }

  #take<Reply>(step: Step<Reply>, tell: (reply: Reply) => string): void {
    if (step.records.length > 0 && this.#refusal !== undefined) {
      this.#output.push(`cannot append ${this.#refusal}`)
      const { ifRefused } = step
      if (ifRefused === undefined) this.#output.push(`nothing happens, the asker gets ${this.#refusal}`)
      else this.#take(ifRefused(this.#refusal), tell)
      return
    }
    this.#state.groups.set('g', step.group)
    for (const record of step.records) this.#append(record)
    for (const effect of step.effects) this.#perform(effect)
    if (step.reply !== undefined) this.#output.push(tell(step.reply))
  }

  #append(record: GroupRecord): void {
    this.#written.push(record)
    applyGroupRecord(this.#state, record, outsideTransactions)
    if (record.kind !== 'GroupMetadata' || record.value === null) return
    const { generation, protocol, leader, members } = record.value
    const told = members.map(({ memberId, assignment }) => `${memberId}:${assignment.toString()}`).join(',')
    const what = members.length === 0 ? 'empty' : `protocol=${protocol} leader=${leader} assignments=${told}`
    this.#output.push(`append group generation=${generation} ${what}`)
  }

  #perform(effect: ClassicEffect): void {
    switch (effect.kind) {
      case 'park':
        this.#parked.add(`${effect.call} ${effect.memberId}`)
        this.#output.push(`park ${effect.call} ${effect.memberId}`)
        return
      case 'answerJoin':
        this.#answer('join', effect.memberId, joinReply(effect.reply))
        return
      case 'answerSync':
        this.#answer('sync', effect.memberId, syncReply(effect.reply))
        return
      case 'startSession':
        if (this.#sessionsShown) this.#output.push(`session of ${effect.memberId} ${effect.afterMs}`)
        this.#schedule(
          `session ${effect.memberId}`,
          effect.afterMs,
          `session of ${effect.memberId} over`,
          () => sessionOver(this.#group, effect.memberId, this.#now()),
        )
        return
      case 'endSession':
        if (this.#sessionsShown) this.#output.push(`no session of ${effect.memberId}`)
        this.#timers.cancel(`session ${effect.memberId}`)
        return
      case 'startJoinTimer':
        if (effect.ifAbsent && this.#timers.has('join')) return
        this.#output.push(`timer join ${effect.afterMs}`)
        this.#schedule('join', effect.afterMs, 'time to join is over', () =>
          joinTimeOver(this.#group, this.#now()),
        )
        return
      case 'startInitialDelay': {
        this.#output.push(`timer initial-delay ${effect.afterMs}`)
        this.#schedule('initial-delay', effect.afterMs, 'initial delay is over', () =>
          initialDelayOver(this.#group, this.#now()),
        )
        return
      }
      case 'endInitialDelay':
        this.#timers.cancel('initial-delay')
        return
      case 'endJoinTimer':
        this.#timers.cancel('join')
        return
      case 'startSyncTimer':
        this.#output.push(`timer sync ${effect.afterMs}`)
        this.#schedule('sync', effect.afterMs, 'time to sync is over', () =>
          syncTimeOver(this.#group, effect.generation, this.#now()),
        )
        return
      case 'endSyncTimer':
        this.#output.push('no timer sync')
        this.#timers.cancel('sync')
        return
      default:
        unreachable(effect)
    }
  }

  #answer(call: string, memberId: string, told: string): void {
    const waited = this.#parked.delete(`${call} ${memberId}`)
    this.#output.push(`${call} ${memberId}: ${told}${waited ? '' : ' (nobody waits)'}`)
  }

  #schedule(name: string, afterMs: number, told: string, decide: () => Step): void {
    this.#timers.schedule(name, afterMs, () => {
      const at = this.#output.push(told)
      const before = this.#group
      this.#take(decide(), () => '')
      if (before.state !== this.#group.state) this.#output.push(`state ${this.#group.state}`)
      else if (before === this.#group && this.#output.length === at) this.#output.pop()
    })
  }

  /** Another broker takes over: only what was written is known. */
  #load(): void {
    this.#timers.cancelAll()
    this.#parked.clear()
    this.#state = new GroupState(new Timeline())
    this.#state.groups.set('g', newClassicGroup('g', -1))
    for (const record of this.#written) {
      const { key, value } = encodeGroupRecord(record)
      const read = decodeGroupRecord(key, value)
      if (read !== null) applyGroupRecord(this.#state, read, outsideTransactions)
    }
    this.#take(afterLoad(this.#group, this.#now()), () => '')
    this.#show()
  }

  #show(): void {
    const { state, generation, protocol, leader, members, pendingMembers } = this.#group
    this.#output.push(`state ${state} generation=${generation} protocol=${protocol} leader=${leader}`)
    for (const member of members.values()) {
      const { id, instanceId, awaiting, assignment } = member
      const extras = [
        instanceId === null ? '' : ` instance=${instanceId}`,
        awaiting === null ? '' : ` awaits ${awaiting}`,
        assignment.length === 0 ? '' : ` assignment=${assignment.toString()}`,
      ]
      this.#output.push(`  member ${id}${extras.join('')}`)
    }
    for (const id of pendingMembers) this.#output.push(`  expected ${id}`)
  }
}

function pairs(text: string | undefined): [string, string][] {
  if (text === undefined || text === 'none') return []
  return text.split(',').map(pair => {
    const at = pair.indexOf(':')
    return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
  })
}

/** `topics/a/b` is a consumer's subscription; any other text stands for itself. */
function metadata(text: string): Buffer {
  if (!text.startsWith('topics/')) return Buffer.from(text)
  return encodeVersioned(consumerProtocolSubscription, 0, { topics: text.split('/').slice(1) })
}

function joinReply(reply: JoinReply): string {
  if (reply.error === 'MEMBER_ID_REQUIRED') return `MEMBER_ID_REQUIRED, come back as ${reply.memberId}`
  if (reply.error !== 'NONE') return `${reply.error}${reply.memberId === '' ? '' : ` for ${reply.memberId}`}`
  const { memberId, generation, protocol, leader, members, skipAssignment } = reply
  const told = members.map(member => `${member.memberId}:${member.metadata.toString()}`).join(',')
  return (
    `as ${memberId} generation=${generation} protocol=${protocol} leader=${leader}` +
    `${told === '' ? '' : ` members=${told}`}${skipAssignment ? ' skip-assignment' : ''}`
  )
}

function syncReply(reply: SyncReply): string {
  return reply.error === 'NONE'
    ? `protocol=${reply.protocol} assignment=${reply.assignment.toString()}`
    : reply.error
}
