import { FetchedPartition } from '../../../broker/api/fetch-session.ts'
import { noteFollower, type PartitionRead, readPartitions } from '../../../broker/api/read-partitions.ts'
import { loadBrokerSettings } from '../../../broker/config/load-settings.ts'
import { type TopicSettings, topicSettingsFor } from '../../../broker/config/topic-settings.ts'
import { changeInSyncSet } from '../../../broker/controller/change-in-sync-set.ts'
import { saveLeaderEpochs } from '../../../broker/log/leader-epoch-file.ts'
import type { Log } from '../../../broker/log/log.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import { isActive, type MetadataImage, type PartitionImage } from '../../../broker/metadata/image.ts'
import type { InSyncSetChange } from '../../../broker/replication/in-sync-set-changes.ts'
import { Partition } from '../../../broker/replication/partition.ts'
import { replicationCounters } from '../../../broker/replication/replication-counters.ts'
import { ReplicationThrottle } from '../../../broker/replication/replication-throttle.ts'
import { outOfRange, truncationOffset } from '../../../broker/replication/truncation.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { EndOfTurn } from '../../../runtime/end-of-turn.ts'
import { aBatch, logOn, readAll } from '../../support/a-log.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FakeDisk } from '../../support/fake-disk.ts'
import { valuesIn } from '../../support/requests.ts'
import { parseLine, type Player } from '../../support/script.ts'
import {
  contextWith,
  imageAfter,
  withBroker,
  withMinInsyncReplicas,
  withoutBroker,
  withTopic,
} from '../controller/image-of.ts'

/**
 * Plays one partition on several brokers: real replicas on disks in memory, and the real decisions of leader, follower and
 * controller; what travels between them goes when the script says so.
 *
 * - `replicas 1,2,3 min=2 isr=1,2`: begins; broker 1 leads in epoch 0
 * - `append 1 a,b acks=all`: a record after the other; told when they are acknowledged
 * - `fetch 2`, or in its parts `ask 2` and `deliver 2`; `ask 2 epoch=old` by an incarnation that was replaced
 * - `controller`: decides on what was asked for first; `controller lost`: the answer does not arrive
 * - `leader 2 isr=2,3 told=2,3`: the controller elects; `isr 1,2 told=1`: it changes the set by itself; `tell 1`: the newest state
 * - `time 31` (seconds), `lagging 1`: the leader looks who has fallen behind
 * - `away 3`, `back 3`; `restart 2 watermark=0`: with a checkpoint of that age
 * - `delete 1 before=2`; `latest 1`: what consumers are told; `show`: every replica, `|` is its watermark
 */
export function replicationPlayer(): Player {
  const player = new ReplicationPlayer()
  return line => player.play(line)
}

interface Replica {
  readonly id: number
  readonly open: (checkpoints?: { readonly highWatermark: number }) => Log
  log: Log
  partition: Partition
  readonly heartbeat: { fetchedAtMs: number }
  late:
    | {
        readonly leaderEpoch: number
        readonly read: PartitionRead
        readonly bytes: Buffer
        readonly leader: Log
      }
    | undefined
}

const topic = 'topic'
const topicId = `id-${topic}`

class ReplicationPlayer {
  readonly #clock = new FakeClock()
  readonly #turn = new EndOfTurn(() => undefined)
  readonly #disk = new FakeDisk(() => this.#clock.nowMs())
  readonly #replicas = new Map<number, Replica>()
  readonly #formerEpochs = new Map<number, number>()
  readonly #asked: { readonly by: number; readonly change: InSyncSetChange }[] = []
  #image: MetadataImage = emptyImage
  #settings: TopicSettings = topicSettings({})
  #output: string[] = []

  play(line: string): readonly string[] {
    this.#output = []
    const { words, named } = parseLine(line)
    const [command = '', first = '', second = ''] = words
    this.#do(command, { id: Number(first), first, second, named })
    this.#turn.flush()
    return this.#output
  }

  #do(command: string, { id, first, second, named }: Words): void {
    const told = numbers(named.get('told')) ?? [...this.#replicas.keys()]
    switch (command) {
      case 'replicas':
        return this.#begin(numbers(first)!, named)
      case 'append':
        return this.#append(id, second.split(','), named.get('acks') === '1' ? 1 : -1)
      case 'fetch':
        this.#ask(id, named)
        return this.#deliver(id)
      case 'ask':
        return this.#ask(id, named)
      case 'deliver':
        return this.#deliver(id)
      case 'controller':
        return this.#decide(first === 'lost')
      case 'leader': {
        const isr =
          numbers(named.get('isr')) ?? this.#state.isr.filter(member => member !== this.#state.leader)
        this.#change({ leader: id, leaderEpoch: this.#state.leaderEpoch + 1, isr })
        return this.#tell(told)
      }
      case 'isr':
        this.#change({ isr: numbers(first)! })
        return this.#tell(told)
      case 'tell':
        return this.#tell(numbers(first)!)
      case 'time':
        this.#clock.advance(id * 1000)
        return
      case 'lagging':
        return this.#replica(id).partition.dropLaggingMembers()
      case 'away':
        this.#image = withoutBroker(this.#image, id)
        return
      case 'back':
        this.#image = withBroker(this.#image, id)
        return
      case 'restart':
        return this.#restart(id, Number(named.get('watermark')))
      case 'delete':
        return this.#replica(id).log.deleteRecordsBefore(Number(named.get('before')))
      case 'latest': {
        const { partition, log } = this.#replica(id)
        return this.#say(partition.hasCaughtUpWithEpoch ? `${log.highWatermark}` : 'OFFSET_NOT_AVAILABLE')
      }
      case 'show':
        for (const replica of this.#replicas.values()) this.#show(replica)
        return
      default:
        throw new Error(`There is no ${command}.`)
    }
  }

  get #state(): PartitionImage {
    return this.#image.topicsById.get(topicId)!.partitions[0]!
  }

  #begin(ids: readonly number[], named: ReadonlyMap<string, string>): void {
    const min = Number(named.get('min') ?? '1')
    this.#settings = topicSettings({ 'min.insync.replicas': String(min) })
    this.#image = withMinInsyncReplicas(emptyImage, min)
    for (const id of ids) this.#image = withBroker(this.#image, id)
    for (const { id, epoch } of this.#image.brokers.values()) this.#formerEpochs.set(id, epoch)
    this.#image = withTopic(this.#image, topic, [{ replicas: ids, isr: numbers(named.get('isr')) ?? ids }])
    for (const id of ids) {
      const options = { clock: this.#clock, turn: this.#turn }
      const { log, open } = logOn(this.#disk, `/broker-${id}/topic-0`, {}, options)
      const partition = this.#partitionOf(id, log)
      const heartbeat = { fetchedAtMs: Number.NEGATIVE_INFINITY }
      this.#replicas.set(id, { id, open, log, partition, heartbeat, late: undefined })
    }
  }

  #partitionOf(brokerId: number, log: Log): Partition {
    return new Partition({
      topic,
      index: 0,
      topicId,
      brokerId,
      clock: this.#clock,
      turn: this.#turn,
      settings: () => this.#settings,
      log,
      state: this.#state,
      leaderParts: {
        brokerId,
        clock: this.#clock,
        registeredEpoch: id => this.#image.brokers.get(id)?.epoch,
        mayJoin: id => isActive(this.#image, id),
        maxLagMs: () => 30_000,
        changes: {
          submit: change => {
            this.#asked.push({ by: brokerId, change })
            const ids = change.set.newIsr.map(member => member.brokerId)
            this.#say(`${brokerId} asks the controller for the in-sync set ${ids.join(',')}`)
          },
        },
        counters: replicationCounters(),
        logger: silentLogger,
      },
    })
  }

  #append(id: number, values: readonly string[], acks: number): void {
    const { partition } = this.#replica(id)
    for (const value of values) {
      const outcome = partition.append(aBatch([value]), { acks, origin: 'client' })
      if (outcome.kind === 'refused') this.#say(`${value}: ${outcome.error}`)
      else {
        partition.acknowledge(acks, outcome.lastOffset + 1, 60_000, error =>
          this.#say(error === 'NONE' ? `${value} is acknowledged` : `${value}: ${error}`),
        )
      }
    }
  }

  #ask(id: number, named: ReadonlyMap<string, string>): void {
    const replica = this.#replica(id)
    const { partition, log } = replica
    const { leader: leaderId, leaderEpoch } = partition.state
    const leader = this.#replica(leaderId)
    const position = new FetchedPartition(topic, topicId, {
      partition: 0,
      currentLeaderEpoch: leaderEpoch,
      fetchOffset: log.nextOffset,
      lastFetchedEpoch: log.leaderEpochs.latestEpoch,
      logStartOffset: log.logStartOffset,
      partitionMaxBytes: 2 ** 20,
    })
    const isFormer = named.get('epoch') === 'old'
    const follower = {
      throttle: new ReplicationThrottle(this.#clock, () => Number.MAX_SAFE_INTEGER),
      brokerId: id,
      brokerEpoch: (isFormer ? this.#formerEpochs.get(id) : this.#image.brokers.get(id)?.epoch) ?? -1,
      isAllowed: true,
    }
    const registry = {
      readable: () => (leader.partition.isLeader ? leader.partition : ('NOT_LEADER_OR_FOLLOWER' as const)),
      topicName: () => topic,
    }
    const reads = readPartitions(registry, [position], {
      maxBytes: 2 ** 20,
      firstBatchWhole: true,
      readUpTo: 'logEnd',
      follower,
      mayReadFollower: false,
      preferredReplica: undefined,
      byTopicId: false,
    })
    const read = reads[0]!
    const bytes = Buffer.alloc(read.recordsLength)
    read.records?.records.readInto(bytes, 0)
    this.#say(
      `${id} asks ${leaderId} for ${position.fetchOffset} after epoch ${position.lastFetchedEpoch}: ${described(read, bytes)}`,
    )
    noteFollower(reads, follower, replica.heartbeat, this.#clock.monotonicMs())
    replica.late = { leaderEpoch, read, bytes, leader: leader.log }
    this.#turn.flush()
  }

  /** What `Follower` does with an answer. */
  #deliver(id: number): void {
    const replica = this.#replica(id)
    const { late, partition, log } = replica
    if (late === undefined) throw new Error(`Nothing is on its way to ${id}.`)
    replica.late = undefined
    const { read, bytes, leaderEpoch, leader } = late
    if (read.error === 'OFFSET_OUT_OF_RANGE') {
      const next = outOfRange(log.nextOffset, {
        logStartOffset: leader.logStartOffset,
        endOffset: leader.logEndOffset,
      })
      if (next.kind === 'goOn') return
      this.#say(`${id} ${next.kind === 'truncate' ? 'cuts its log at' : 'starts anew at'} ${next.offset}`)
      partition.cutTo({ ...next, reason: '' })
    } else if (read.divergingEpoch !== undefined) {
      const offset = truncationOffset(
        { epochs: log.leaderEpochs, endOffset: log.nextOffset },
        read.divergingEpoch,
      )
      this.#say(`${id} cuts its log at ${offset}`)
      partition.cutTo({ kind: 'truncate', offset, reason: '' })
    } else if (read.error === 'NONE') {
      if (bytes.length > 0) {
        const outcome = partition.appendFromLeader(bytes, leaderEpoch)
        if (outcome.kind === 'refused') {
          this.#say(`${id} takes nothing over: ${outcome.error}`)
          return
        }
      }
      partition.leaderSaid(read.highWatermark, read.logStartOffset)
    }
  }

  #decide(isLost: boolean): void {
    const asked = this.#asked.shift()
    if (asked === undefined) throw new Error('Nobody has asked for anything.')
    const { changes, result } = changeInSyncSet(this.#image, asked.by, asked.change.set, contextWith())
    this.#image = imageAfter(this.#image, changes)
    const { error, message, isr } = result
    this.#say(
      error === 'NONE'
        ? `the controller agrees: ${isr.join(',')}`
        : `the controller refuses: ${error}. ${message}`,
    )
    if (!isLost) asked.change.settled(result)
  }

  #change(change: Partial<PartitionImage>): void {
    const { modRevision: _, ...before } = this.#state
    const partition = { ...before, ...change, partitionEpoch: before.partitionEpoch + 1 }
    this.#image = imageAfter(this.#image, [{ kind: 'partition', topicId, index: 0, partition }])
  }

  #tell(ids: readonly number[]): void {
    for (const id of ids) this.#replica(id).partition.apply(this.#state)
  }

  #restart(id: number, highWatermark: number): void {
    const replica = this.#replica(id)
    replica.partition.close()
    saveLeaderEpochs(this.#disk, replica.log.directory, replica.log.leaderEpochs)
    replica.log = replica.open({ highWatermark })
    replica.partition = this.#partitionOf(id, replica.log)
  }

  #show({ id, log, partition }: Replica): void {
    const values = valuesIn(readAll(log))
    const watermark = log.highWatermark - log.logStartOffset
    const marked = [...values.slice(0, watermark), '|', ...values.slice(watermark)]
    const { leader, leaderEpoch } = partition.state
    const role = partition.isLeader
      ? `leads in ${leaderEpoch}, in sync ${partition.isr.join(',')}`
      : `follows ${leader} in ${leaderEpoch}`
    const from = log.logStartOffset > 0 ? `from ${log.logStartOffset} ` : ''
    this.#say(`${id} ${role}: ${from}${marked.join(' ')}`)
  }

  #replica(id: number): Replica {
    const replica = this.#replicas.get(id)
    if (replica === undefined) throw new Error(`There is no replica ${id}.`)
    return replica
  }

  #say(line: string): void {
    this.#output.push(line)
  }
}

interface Words {
  readonly id: number
  readonly first: string
  readonly second: string
  readonly named: ReadonlyMap<string, string>
}

function described({ error, divergingEpoch, highWatermark }: PartitionRead, bytes: Buffer): string {
  if (error !== 'NONE') return error
  if (divergingEpoch !== undefined)
    return `parted, epoch ${divergingEpoch.epoch} ended at ${divergingEpoch.endOffset}`
  return `${valuesIn(bytes).join(' ') || 'nothing'}, watermark ${highWatermark}`
}

function topicSettings(overrides: Readonly<Record<string, string>>): TopicSettings {
  const loaded = loadBrokerSettings({ manifest: { 'node.id': '1' } })
  if (loaded.kind === 'invalid') throw new Error(loaded.mistakes.join('\n'))
  return topicSettingsFor(new Map(Object.entries(overrides)), loaded.settings)
}

function numbers(text: string | undefined): number[] | undefined {
  return text?.split(',').map(Number)
}
