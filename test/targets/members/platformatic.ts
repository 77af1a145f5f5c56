/**
 * A member of a group of @platformatic/kafka that says what it does, one line each, after the nanoseconds of the monotonic
 * clock. It processes, then commits. Ends cleanly on SIGTERM. Arguments: bootstrap servers, topic, group, and classic or
 * consumer (KIP-848).
 */
import { Consumer, MessagesStreamFallbackModes, MessagesStreamModes } from '@platformatic/kafka'

const [servers = '', topic = '', groupId = '', protocol = ''] = process.argv.slice(2)
let owned: readonly number[] = []
/** Whether the fetch that was on the way when `owned` changed has come back: it hands out what that brings all the same. */
let ready = false
let ending = false
let consumer = join()
process.once('SIGTERM', () => {
  ending = true
  void consumer.close(true).then(() => process.exit(0))
})
while (!ending) {
  try {
    await consume(consumer)
  } catch (error) {
    // A stream ends with an error when its broker was away; an application begins anew.
    process.stderr.write(`${String(error)}\n`)
    if (ending) break
    const before = consumer
    own('lost', [])
    consumer = join()
    await before.close(true).catch(() => undefined)
  }
}

function join(): Consumer {
  const classic = { sessionTimeout: 6_000, rebalanceTimeout: 20_000, heartbeatInterval: 300 } as const
  const joining = new Consumer({
    clientId: 'platformatic',
    bootstrapBrokers: [servers],
    groupId,
    ...(protocol === 'consumer' ? { groupProtocol: 'consumer' as const } : classic),
    maxWaitTime: 200,
    autocommit: false,
    retries: 100,
    retryDelay: 100,
  })
  if (protocol === 'consumer') {
    // It has no event for what it owns: what it tells the coordinator with each heartbeat is what it owns.
    joining.on('consumer:heartbeat:start', () => own('revoked', partitionsOf(joining)))
  } else {
    joining.on('consumer:group:rebalance', () => own('revoked', []))
    joining.on('consumer:group:join', () => own('lost', partitionsOf(joining)))
  }
  return joining
}

async function consume(joined: Consumer): Promise<void> {
  const stream = await joined.consume({
    topics: [topic],
    mode: MessagesStreamModes.COMMITTED,
    fallbackMode: MessagesStreamFallbackModes.EARLIEST,
  })
  stream.on('fetch', () => {
    if (!ready) say('ready')
    ready = true
  })
  for await (const message of stream) {
    say('processed', message.partition, message.offset, String(message.value))
    await message.commit()
  }
}

function partitionsOf({ assignments }: Consumer): number[] {
  return (assignments ?? []).flatMap(assigned => (assigned.topic === topic ? assigned.partitions : []))
}

/** Says what is owned no more, and why, then what is owned from now on. */
function own(ended: 'revoked' | 'lost', now: readonly number[]): void {
  const gone = owned.filter(partition => !now.includes(partition))
  const fresh = now.filter(partition => !owned.includes(partition))
  owned = now
  if (gone.length + fresh.length > 0) ready = false
  if (gone.length > 0) say(ended, gone.join(','))
  if (fresh.length > 0) say('assigned', fresh.join(','))
}

function say(...words: readonly unknown[]): void {
  process.stdout.write(`${process.hrtime.bigint()} ${words.join(' ')}\n`)
}
