/** kafka-consumer-groups and kafka-features of Apache Kafka, on groups of both protocols. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run, waitUntil } from '../targets/processes.ts'
import { target, useBroker, useJavaTools } from './fixture.ts'
import { GroupLife, groupTestSettings, partitionCount } from './group-life.ts'
import { kafkajsClient, librdkafkaClient } from './group-member.ts'

const broker = useBroker(groupTestSettings)
const tools = useJavaTools()
/** A group of each kind with two members that have read everything, and one whose member has left. */
let classic: GroupLife
let consumer: GroupLife
let empty: GroupLife

beforeAll(async () => {
  classic = await GroupLife.begin(broker(), 'tool-classic')
  consumer = await GroupLife.begin(broker(), 'tool-consumer')
  empty = await GroupLife.begin(broker(), 'tool-empty')
  const live = [
    [classic, librdkafkaClient('range')],
    [consumer, librdkafkaClient('consumer')],
  ] as const
  for (const [life, client] of live) {
    await life.write(10)
    await life.join(client)
    await life.join(client)
  }
  await empty.write(10)
  await empty.join(kafkajsClient)
  for (const life of [classic, consumer, empty]) await life.settled()
  for (const life of [classic, consumer, empty]) await life.allProcessed()
  await empty.end()
  await waitUntil(
    'the group is empty',
    async () => (await row('--state', empty.group))?.includes('Empty') || undefined,
  )
}, 120_000)

afterAll(async () => {
  for (const life of [classic, consumer]) await life.end()
})

/** The lines that the tool prints, as lists of words. */
async function words(...args: readonly string[]): Promise<string[][]> {
  const command = ['--bootstrap-server', broker().bootstrapServers, ...args]
  const { stdout, stderr } = await tools().run('kafka-consumer-groups', command)
  return `${stdout}\n${stderr}`
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .filter(([first]) => first !== '')
}

async function row(kind: string, group: string): Promise<string[] | undefined> {
  const lines = await words('--describe', '--group', group, ...(kind === '' ? [] : [kind]))
  return lines.find(([name]) => name === group)
}

/** Positions by partition, as --describe shows them. */
async function positions(group: string): Promise<Map<number, string>> {
  const rows = (await words('--describe', '--group', group)).filter(([name]) => name === group)
  return new Map(rows.map(([, , partition, position = '']) => [Number(partition), position]))
}

const everywhere = (position: number) =>
  new Map(Array.from({ length: partitionCount }, (_, partition) => [partition, String(position)]))

test('it lists groups, by type and by state', async () => {
  const listed = async (...args: string[]) =>
    (await words('--list', ...args))
      .filter(([name]) => name?.startsWith('group-tool-'))
      .toSorted(([one = ''], [other = '']) => (one < other ? -1 : 1))
  expect(await listed()).toEqual([[classic.group], [consumer.group], [empty.group]])
  expect(await listed('--state')).toEqual([
    [classic.group, 'Stable'],
    [consumer.group, 'Stable'],
    [empty.group, 'Empty'],
  ])
  expect(await listed('--state', 'empty')).toEqual([[empty.group, 'Empty']])
  expect(await listed('--type', 'consumer')).toEqual([[consumer.group, 'Consumer']])
  expect(await listed('--type', 'classic', '--state', 'stable')).toEqual([
    [classic.group, 'Classic', 'Stable'],
  ])
})

test('it describes the positions of both kinds of groups, and who reads', async () => {
  for (const { group, topic } of [classic, consumer]) {
    const rows = (await words('--describe', '--group', group)).filter(([name]) => name === group)
    expect(rows.map(line => line.slice(1, 6))).toEqual(
      expect.arrayContaining([...everywhere(10)].map(([at, end]) => [topic, String(at), end, end, '0'])),
    )
    expect(rows).toHaveLength(partitionCount)
    expect(new Set(rows.map(line => line[6])).size, 'two members share the partitions').toBe(2)
    expect(rows.every(line => line[7]?.startsWith('/127.0.0.1') && line[8] === 'rdkafka')).toBe(true)
  }
})

test('it describes members with what they own', async () => {
  for (const { group, members } of [classic, consumer]) {
    const lines = (await words('--describe', '--group', group, '--members', '--verbose')).filter(
      ([name]) => name === group,
    )
    expect(lines).toHaveLength(2)
    const owned = lines.map(line => /\(([\d,]+)\)|:([\d,]+)/.exec(line.join(' '))?.slice(1).find(Boolean))
    expect(new Set(owned)).toEqual(new Set(members.map(member => member.owned.join(','))))
  }
})

test('it describes the state with coordinator and assignor', async () => {
  const state = await row('--state', classic.group)
  expect(state?.slice(1)).toEqual([broker().bootstrapServers, '(1)', 'range', 'Stable', '2'])
  expect((await row('--state', consumer.group))?.slice(1)).toEqual([
    broker().bootstrapServers,
    '(1)',
    'uniform',
    'Stable',
    '2',
  ])
  const [verbose] = (await words('--describe', '--group', consumer.group, '--state', '--verbose')).filter(
    ([name]) => name === consumer.group,
  )
  const [epoch, targetEpoch] = verbose?.slice(-3) ?? []
  expect(Number(epoch)).toBeGreaterThanOrEqual(1)
  expect(targetEpoch).toBe(epoch)
})

test('it resets positions of a group without members in every way it knows', async () => {
  const { group, topic } = empty
  const reset = async (how: string, scope = `--topic ${topic}`) =>
    words('--reset-offsets', '--group', group, ...scope.split(' '), ...how.split(' '), '--execute')
  const ways: readonly (readonly [string, number])[] = [
    ['--to-earliest', 0],
    ['--shift-by 7', 7],
    ['--shift-by -2', 5],
    ['--to-offset 3', 3],
    ['--to-latest', 10],
    ['--by-duration PT1H', 0],
    ['--to-datetime 2040-01-01T00:00:00.000', 10],
    ['--to-offset 1000', 10],
    ['--to-current', 10],
  ]
  for (const [how, position] of ways) {
    await reset(how)
    expect(await positions(group), how).toEqual(everywhere(position))
  }
  const exporting = `--reset-offsets --group ${group} --topic ${topic}:1,2 --to-offset 4 --export --dry-run`
  const to = ['--bootstrap-server', broker().bootstrapServers]
  const exported = await tools().run('kafka-consumer-groups', [...to, ...exporting.split(' ')])
  expect(exported.stdout.trim().split('\n').toSorted()).toEqual([`${topic},1,4`, `${topic},2,4`])
  expect(await positions(group), 'a dry run changes nothing').toEqual(everywhere(10))
  await reset('--to-offset 4', `--topic ${topic}:1,2`)
  expect(await positions(group)).toEqual(new Map([...everywhere(10), [1, '4'], [2, '4']]))
})

test('it does not reset, delete or forget what members are using', async () => {
  for (const { group, topic } of [classic, consumer]) {
    const reset = await words(
      '--reset-offsets',
      '--group',
      group,
      '--topic',
      topic,
      '--to-earliest',
      '--execute',
    )
    expect(reset.join(' ')).toMatch(/inactive/)
    expect((await words('--delete', '--group', group)).join(' ')).toMatch(/not,empty|GroupNotEmpty/)
    const forget = await words('--delete-offsets', '--group', group, '--topic', `${topic}:0`)
    expect(forget.join(' ')).toMatch(/subscribed/)
    expect(await positions(group)).toEqual(everywhere(10))
  }
})

test('it deletes positions, then the group', async () => {
  const { group, topic } = empty
  const forgotten = await words('--delete-offsets', '--group', group, '--topic', `${topic}:0,5`)
  expect(forgotten.filter(([name]) => name === topic).map(line => line.slice(1))).toEqual([
    ['0', 'Successful'],
    ['5', 'Successful'],
  ])
  expect([...(await positions(group)).keys()].toSorted((one, other) => one - other)).toEqual([
    1, 2, 3, 4, 6, 7, 8, 9, 10, 11,
  ])
  expect((await words('--delete', '--group', group)).join(' ')).toContain('was,successful')
  expect((await words('--list')).flat()).not.toContain(group)
  expect((await words('--describe', '--group', group)).join(' ')).toMatch(/does,not,exist|not,found/)
})

test('kcat reads a topic to its end in a group', async () => {
  const args = `-b ${broker().bootstrapServers} -G once -e -q -X auto.offset.reset=earliest ${classic.topic}`
  const { exit, stdout } = await run('kcat', args.split(' '))
  expect([exit, stdout.trim().split('\n').length]).toEqual([0, 120])
})

test('kafka-features sees the protocols that the cluster has finalized', async () => {
  const describe = ['--bootstrap-server', broker().bootstrapServers, 'describe']
  const { exit, stdout } = await tools().run('kafka-features', describe)
  expect(exit, target).toBe(0)
  const features = stdout.split('\n').filter(line => /^Feature: (group|metadata)\.version/.test(line))
  expect(features).toHaveLength(2)
  expect(features[0]).toMatch(
    /group\.version\s+SupportedMinVersion: 0\s.*FinalizedVersionLevel: 1\s+Epoch: \d+/,
  )
  expect(features[1]).toMatch(/metadata\.version\s.*FinalizedVersionLevel: 4\.3-IV0\s/)
})
