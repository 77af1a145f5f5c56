import { type Consumer, Kafka, logLevel } from 'kafkajs'
import { beforeAll, expect, test } from 'vitest'
import { run, RunningProcess, waitUntil } from '../targets/processes.ts'
import { createTopic, useBroker, useJavaTools } from './fixture.ts'

/** Groups of other people's clients over the classic protocol. */

const broker = useBroker()
const tools = useJavaTools()
let kafka: Kafka

beforeAll(() => {
  kafka = new Kafka({ brokers: [broker().bootstrapServers], clientId: 'kafkajs', logLevel: logLevel.NOTHING })
})

async function produce(topic: string, from: number, count: number): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  const numbers = Array.from({ length: count }, (_, index) => from + index)
  await producer.send({
    topic,
    messages: numbers.map(number => ({ key: `k${number}`, value: String(number) })),
  })
  await producer.disconnect()
}

/** The lines that Kafka's tool prints of a group, as lists of words. */
async function describe(...args: readonly string[]): Promise<string[][]> {
  const { exit, stdout, stderr } = await tools().run('kafka-consumer-groups', [
    '--bootstrap-server',
    broker().bootstrapServers,
    ...args,
  ])
  expect([exit, stderr]).toEqual([0, expect.any(String)])
  return stdout
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .filter(([first]) => first !== '')
}

test('three members of kafkajs share twelve partitions; after one has left the others have all', async () => {
  const topic = 'js-groups'
  await createTopic(broker(), topic, 12)
  await produce(topic, 0, 1200)
  const seen = new Map<number, number>()
  const member = async (): Promise<Consumer> => {
    const consumer = kafka.consumer({ groupId: 'js-group', sessionTimeout: 10_000, heartbeatInterval: 200 })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ message }) => {
        const number = Number(message.value?.toString())
        seen.set(number, (seen.get(number) ?? 0) + 1)
      },
    })
    return consumer
  }
  const members = await Promise.all([member(), member(), member()])
  await waitUntil('all was read', async () => seen.size === 1200 || undefined, { deadlineMs: 60_000 })
  const admin = kafka.admin()
  await admin.connect()
  const settled = (count: number) =>
    waitUntil(
      `${count} members are settled`,
      async () => {
        const [group] = (await admin.describeGroups(['js-group'])).groups
        return (group?.state === 'Stable' && group.members.length === count) || undefined
      },
      { deadlineMs: 60_000 },
    )
  await settled(3)
  await members[0]?.disconnect()
  await settled(2)
  await produce(topic, 1200, 600)
  await waitUntil('the rest was read', async () => seen.size === 1800 || undefined, { deadlineMs: 60_000 })
  for (const consumer of members.slice(1)) await consumer.disconnect()
  expect([...seen.values()].every(times => times === 1)).toBe(true)

  const positions = await admin.fetchOffsets({ groupId: 'js-group', topics: [topic] })
  const total = positions[0]?.partitions.reduce((sum, { offset }) => sum + Number(offset), 0)
  expect(total).toBe(1800)
  await admin.disconnect()
}, 180_000)

/** kcat as a member; it ends by itself when its only broker is gone. */
function kcatMember(topic: string, group: string): RunningProcess {
  return new RunningProcess('kcat', [
    ...`-b ${broker().bootstrapServers} -G ${group} -q -u -X auto.offset.reset=earliest`.split(' '),
    ...'-X auto.commit.interval.ms=100 -X session.timeout.ms=6000 -X heartbeat.interval.ms=300'.split(' '),
    '-f',
    '%s\n',
    topic,
  ])
}

function numbersOf(members: readonly RunningProcess[]): number[] {
  const lines = members.flatMap(({ output }) => output.split('\n'))
  return lines.filter(line => /^\d+$/.test(line)).map(Number)
}

function allRead(members: readonly RunningProcess[], count: number) {
  const distinct = (): number => new Set(numbersOf(members)).size
  return waitUntil(
    () => `${count} different numbers were read, not ${distinct()}`,
    async () => distinct() === count || undefined,
    { deadlineMs: 60_000 },
  )
}

function allCommitted(group: string, partitions: number) {
  return waitUntil('all positions are committed', async () => {
    const rows = await describe('--describe', '--group', group)
    const lags = rows.filter(([name]) => name === group).map(columns => columns[5])
    return (lags.length === partitions && lags.every(lag => lag === '0')) || undefined
  })
}

test('when a member of kcat is killed the others take over, and after the broker was killed others go on', async () => {
  const topic = 'kcat-groups'
  await createTopic(broker(), topic, 12)
  await produce(topic, 0, 600)
  const members = [1, 2, 3].map(() => kcatMember(topic, 'kcat-group'))
  await allRead(members, 600)
  await allCommitted('kcat-group', 12)
  members[0]?.kill('SIGKILL')
  await produce(topic, 600, 600)
  await allRead(members, 1200)
  await allCommitted('kcat-group', 12)

  await broker().kill()
  await Promise.all(members.map(({ ended }) => ended))
  await broker().start()
  await produce(topic, 1200, 600)
  const later = [1, 2, 3].map(() => kcatMember(topic, 'kcat-group'))
  await allRead(later, 600)
  expect(Math.min(...numbersOf(later))).toBe(1200)
  await Promise.all(later.map(member => member.stop(10_000)))
}, 240_000)

test("Kafka's tools consume in a group, list, describe, reset and delete it", async () => {
  const topic = 'java-groups'
  await createTopic(broker(), topic, 3)
  await produce(topic, 0, 300)
  const wanted = `--topic ${topic} --group java-group --from-beginning --max-messages 300 --timeout-ms 30000`
  const consumed = await tools().run('kafka-console-consumer', [
    '--bootstrap-server',
    broker().bootstrapServers,
    ...wanted.split(' '),
  ])
  expect(consumed.stdout.trim().split('\n')).toHaveLength(300)

  expect(await describe('--list', '--state')).toContainEqual(['java-group', 'Empty'])
  const rows = await describe('--describe', '--group', 'java-group')
  const ofTopic = rows.filter(([, name]) => name === topic)
  expect(ofTopic).toHaveLength(3)
  expect(ofTopic.map(columns => columns[5])).toEqual(['0', '0', '0'])

  const reset = await describe(
    ...`--reset-offsets --group java-group --topic ${topic} --to-earliest --execute`.split(' '),
  )
  expect(reset.filter(([, name]) => name === topic).map(columns => columns[3])).toEqual(['0', '0', '0'])
  expect(
    (await describe('--delete-offsets', '--group', 'java-group', '--topic', `${topic}:0`)).join(' '),
  ).toContain('Successful')
  expect((await describe('--delete', '--group', 'java-group')).join(' ')).toContain('was,successful')
  expect((await describe('--list')).flat()).not.toContain('java-group')
}, 120_000)

test('kcat reads a topic to its end in a group', async () => {
  await createTopic(broker(), 'kcat-once', 2)
  await produce('kcat-once', 0, 50)
  const args = [
    '-b',
    broker().bootstrapServers,
    '-G',
    'kcat-once-group',
    '-e',
    '-q',
    '-X',
    'auto.offset.reset=earliest',
  ]
  const { exit, stdout } = await run('kcat', [...args, 'kcat-once'], { timeoutMs: 60_000 })
  expect([exit, stdout.trim().split('\n').length]).toEqual([0, 50])
})
