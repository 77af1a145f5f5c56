// Conversations of members with consumer groups as text: what was said, a line of dashes, what came of it.
//
//   topic t 6 | delete-topic t        the cluster's topics
//   join a topics=t,u regex=… instance=… rack=… assignor=… timeout=…     ConsumerGroupHeartbeat with epoch 0
//   beat a [epoch=2] [owned=t:0,1;u:0 | owned=all] [topics=…]            with the epoch last told
//   leave a | leave-static a instance=…
//   classic-join a topics=t owned=… protocols=range,roundrobin instance=… version=… | classic-sync a | classic-beat a | classic-leave a
//   advance 1000 | reload | setting maxSize=2 | show

import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  decodeVersioned,
  encodeVersioned,
  errorName,
  type Uuid,
} from '../../protocol/index.ts'
import { assert } from '../../runtime/assert.ts'
import type { OwnedPartitions } from '../../broker/groups/consumer-member.ts'
import type { GroupRecord } from '../../broker/groups/group-records.ts'
import { memberStates } from '../../broker/groups/consumer-member.ts'
import { ConsumerGroupBench, idOfTopic, nameOfTopic } from './consumer-group-bench.ts'

const groupId = 'g'

interface Client {
  epoch: number
  owned: string
  instanceId: string | null
}

/** The same text, with what really came of it. */
export function replayScript(text: string): string {
  const script = new Script()
  return text
    .trim()
    .split(/\n\n+/)
    .map(block => {
      const [said] = block.split('\n----')
      const lines = said!.split('\n')
      const out = lines.filter(line => !line.startsWith('#')).flatMap(line => script.say(line))
      return [said, '----', ...out].join('\n')
    })
    .join('\n\n')
    .concat('\n')
}

class Script {
  readonly #bench = new ConsumerGroupBench()
  readonly #clients = new Map<string, Client>()

  say(line: string): string[] {
    const [verb, ...rest] = line.trim().split(/ +/)
    const [name = ''] = rest.filter(word => !word.includes('='))
    const named = new Map(
      rest
        .filter(word => word.includes('='))
        .map(word => {
          const at = word.indexOf('=')
          return [word.slice(0, at), word.slice(at + 1)] as const
        }),
    )
    const bench = this.#bench
    bench.written = []
    bench.answered.length = 0
    const out = this.#act(verb!, name, rest, named)
    const written = bench.written.flatMap(shown)
    const answered = bench.answered.map(
      ({ call, response }) => `answer ${call} ${JSON.stringify(response, leaveOutBytes)}`,
    )
    return [...written, ...answered, ...out]
  }

  #act(verb: string, name: string, rest: readonly string[], named: ReadonlyMap<string, string>): string[] {
    const bench = this.#bench
    switch (verb) {
      case 'topic':
        bench.topics = bench.topics.with(name, Number(rest[1]))
        return []
      case 'delete-topic':
        bench.topics = bench.topics.without(name)
        return []
      case 'setting':
        for (const [key, value] of named)
          bench.settings = {
            ...bench.settings,
            [key]: /^\d+$/.test(value) ? Number(value) : value === 'true',
          }
        return []
      case 'advance':
        bench.advance(Number(name))
        return []
      case 'reload':
        bench.reload()
        return []
      case 'show':
        return this.#show()
      case 'join':
        return this.#beat(name, 0, new Map([['owned', ''], ['timeout', '60000'], ...named]))
      case 'beat':
        return this.#beat(name, Number(named.get('epoch') ?? this.#client(name).epoch), named)
      case 'leave':
        return this.#beat(name, -1, named)
      case 'leave-static':
        return this.#beat(name, -2, named)
      case 'classic-join':
        return this.#classicJoin(name, named)
      case 'classic-sync':
        return this.#classicSync(name)
      case 'classic-beat':
        return this.#classicBeat(name)
      case 'classic-leave':
        return this.#classicLeave(name)
      default:
        throw new Error(`No such thing can be said: ${verb}`)
    }
  }

  #client(name: string): Client {
    let client = this.#clients.get(name)
    if (client === undefined) {
      client = { epoch: 0, owned: '', instanceId: null }
      this.#clients.set(name, client)
    }
    return client
  }

  #beat(name: string, memberEpoch: number, named: ReadonlyMap<string, string>): string[] {
    const client = this.#client(name)
    client.instanceId = named.get('instance') ?? client.instanceId
    const owned = named.get('owned') === 'all' ? client.owned : named.get('owned')
    const response = this.#bench.run(
      this.#bench.commands.heartbeat(
        this.#bench.state,
        {
          groupId,
          memberId: name === '-' ? '' : name,
          memberEpoch,
          instanceId: client.instanceId,
          rackId: named.get('rack') ?? null,
          rebalanceTimeoutMs: Number(named.get('timeout') ?? -1),
          subscribedTopicNames:
            named
              .get('topics')
              ?.split(',')
              .filter(topic => topic !== '') ?? null,
          subscribedTopicRegex: named.get('regex') ?? null,
          serverAssignor: named.get('assignor') ?? null,
          topicPartitions: owned === undefined ? null : parsed(owned),
        },
        Number(named.get('version') ?? 1),
        { clientId: 'client', clientHost: '/127.0.0.1' },
      ),
    )
    assert(response !== undefined, 'A heartbeat is answered at once.')
    if (response.errorCode !== 0)
      return [`respond ${name} ${errorName(response.errorCode)}: ${response.errorMessage}`]
    client.epoch = response.memberEpoch
    if (response.assignment) client.owned = listed(response.assignment.topicPartitions)
    const assignment = response.assignment ? ` assignment=${client.owned || 'nothing'}` : ''
    const id = response.memberId === name ? name : `${name} as ${response.memberId}`
    return [`respond ${id} epoch=${response.memberEpoch}${assignment}`]
  }

  #classicJoin(name: string, named: ReadonlyMap<string, string>): string[] {
    const client = this.#client(name)
    client.instanceId = named.get('instance') ?? client.instanceId
    const owned = named.get('owned') === 'all' ? client.owned : (named.get('owned') ?? '')
    const metadata = encodeVersioned(consumerProtocolSubscription, 3, {
      topics: (named.get('topics') ?? '').split(',').filter(topic => topic !== ''),
      userData: null,
      ownedPartitions: parsed(owned).map(({ topicId, partitions }) => ({
        topic: nameOfTopic(topicId),
        partitions,
      })),
      generationId: client.epoch,
      rackId: null,
    })
    const group = this.#bench.group()
    if (group === undefined) return [`respond ${name} there is no consumer group`]
    const reply = this.#bench.run(
      this.#bench.commands.join(group, {
        memberId: named.get('id') ?? name,
        instanceId: client.instanceId,
        clientId: 'classic',
        clientHost: '/127.0.0.1',
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 60_000,
        protocolType: 'consumer',
        protocols: new Map(
          (named.get('protocols') ?? 'range').split(',').map(protocol => [protocol, metadata]),
        ),
        mustKnowItsId: named.get('version') !== '3',
        maySkipAssignment: true,
        newIdSuffix: 'x',
      }),
    )
    assert(reply !== undefined, 'A join is answered at once.')
    if (reply.error !== 'NONE') return [`respond ${name} ${reply.error} id=${reply.memberId}`]
    client.epoch = reply.generation
    return [`respond ${name} generation=${reply.generation} protocol=${reply.protocol}`]
  }

  #classicSync(name: string): string[] {
    const client = this.#client(name)
    const group = this.#bench.group()
    if (group === undefined) return [`respond ${name} there is no consumer group`]
    const reply = this.#bench.run(
      this.#bench.commands.sync(group, {
        memberId: name,
        instanceId: client.instanceId,
        generation: client.epoch,
        protocolType: 'consumer',
        protocol: null,
      }),
    )
    assert(reply !== undefined, 'A sync is answered at once.')
    if (reply.error !== 'NONE') return [`respond ${name} ${reply.error}`]
    const { assignedPartitions } = decodeVersioned(consumerProtocolAssignment, reply.assignment)
    client.owned = assignedPartitions
      .map(({ topic, partitions }) => `${topic}:${partitions.join(',')}`)
      .join(';')
    return [`respond ${name} assignment=${client.owned || 'nothing'}`]
  }

  #classicBeat(name: string): string[] {
    const client = this.#client(name)
    const group = this.#bench.group()
    if (group === undefined) return [`respond ${name} there is no consumer group`]
    const error = this.#bench.run(
      this.#bench.commands.classicHeartbeat(group, {
        memberId: name,
        instanceId: client.instanceId,
        generation: client.epoch,
      }),
    )
    return [`respond ${name} ${error}`]
  }

  #classicLeave(name: string): string[] {
    const group = this.#bench.group()
    if (group === undefined) return [`respond ${name} there is no consumer group`]
    const errors = this.#bench.run(
      this.#bench.commands.classicLeave(group, [
        { memberId: name, instanceId: this.#client(name).instanceId },
      ]),
    )
    return [`respond ${name} ${errors?.join(',')}`]
  }

  #show(): string[] {
    const any = this.#bench.state.groups.get(groupId)
    if (any === undefined) return ['no group']
    if (any.kind === 'classic')
      return [
        `classic group ${any.state} generation=${any.generation} protocol=${any.protocol} leader=${any.leader}`,
        ...Array.from(any.members.values(), member => `${member.id} ${member.awaiting ?? ''}`.trim()),
      ]
    return [
      `${any.state} epoch=${any.epoch} target=${any.targetEpoch}`,
      ...Array.from(any.members.values(), member =>
        `${member.memberId} epoch=${member.memberEpoch} ${member.state} ${ownedText(member.assigned)}${revoking(member.pendingRevocation)}`.trimEnd(),
      ),
    ]
  }
}

/** Kinds that no script has to do with are shown by name. */
function shown(record: GroupRecord): string[] {
  const gone = record.value === null
  // oxlint-disable-next-line switch-exhaustiveness-check
  switch (record.kind) {
    case 'ConsumerGroupMetadata':
      return [gone ? 'forget group' : `append group epoch=${record.value.epoch}`]
    case 'ConsumerGroupMemberMetadata':
      return [gone ? `forget member ${record.key.memberId}` : `append member ${record.key.memberId}`]
    case 'ConsumerGroupTargetAssignmentMetadata':
      return [gone ? 'forget target' : `append target epoch=${record.value.assignmentEpoch}`]
    case 'ConsumerGroupTargetAssignmentMember':
      return [
        gone
          ? `forget target ${record.key.memberId}`
          : `append target ${record.key.memberId} ${listed(record.value.topicPartitions) || 'nothing'}`,
      ]
    case 'ConsumerGroupCurrentMemberAssignment': {
      const { memberId } = record.key
      if (gone) return [`forget current ${memberId}`]
      const { memberEpoch, state, assignedPartitions, partitionsPendingRevocation } = record.value
      const revoked = listed(partitionsPendingRevocation)
      return [
        `append current ${memberId} epoch=${memberEpoch} ${memberStates[state]} ${listed(assignedPartitions)}${revoked === '' ? '' : ` revoking=${revoked}`}`.trimEnd(),
      ]
    }
    case 'ConsumerGroupRegularExpression':
      return [
        gone
          ? `forget expression ${record.key.regularExpression}`
          : `append expression ${record.key.regularExpression} ${record.value.topics.join(',') || 'nothing'}`,
      ]
    case 'GroupMetadata':
      return [
        gone
          ? 'forget classic group'
          : `append classic group generation=${record.value.generation} members=${record.value.members.map(({ memberId }) => memberId).join(',')}`,
      ]
    default:
      return gone ? [] : [`append ${record.kind}`]
  }
}

function leaveOutBytes(key: string, value: unknown): unknown {
  return key === 'assignment' ? undefined : value
}

function parsed(text: string): { topicId: Uuid; partitions: number[] }[] {
  return text
    .split(';')
    .filter(part => part !== '')
    .map(part => {
      const [topic, partitions = ''] = part.split(':')
      return { topicId: idOfTopic(topic!), partitions: partitions.split(',').map(Number) }
    })
}

function listed(list: readonly { readonly topicId: Uuid; readonly partitions: readonly number[] }[]): string {
  return list
    .map(({ topicId, partitions }) => `${nameOfTopic(topicId)}:${partitions.join(',')}`)
    .sort((a, b) => a.localeCompare(b))
    .join(';')
}

function ownedText(owned: OwnedPartitions): string {
  return listed(
    Array.from(owned, ([topicId, epochs]) => ({
      topicId,
      partitions: [...epochs.keys()].sort((a, b) => a - b),
    })),
  )
}

function revoking(owned: OwnedPartitions): string {
  return owned.size === 0 ? '' : ` revoking=${ownedText(owned)}`
}
