import { describe, expect, test } from 'vitest'
import type { ControllerClient } from '../../../broker/controller/controller-client.ts'
import {
  type CommandName,
  type CommandOf,
  commandNames,
  isUntouched,
  runCommand,
} from '../../../broker/controller/controller-commands.ts'
import { localController } from '../../../broker/controller/local-controller.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import { imageAfter, withTopic } from './image-of.ts'
import { newTopic } from './one-store-cluster.ts'

const timeoutMs = 1000
const configs: never[] = []
const partition = { topicId: 'id', partitionIndex: 0, leaderEpoch: 0, partitionEpoch: 0, newIsr: [] }

/** One of each, where there are items with one of them twice; and how many answers it gets. */
const samples: { readonly [Name in CommandName]: readonly [CommandOf<Name>, number] } = {
  createTopics: [
    { topics: [newTopic('a'), newTopic('b'), newTopic('a')], validateOnly: false, timeoutMs },
    2,
  ],
  deleteTopics: [
    {
      topics: [
        { name: 'a', topicId: null },
        { name: null, topicId: 'id' },
      ],
      timeoutMs,
    },
    2,
  ],
  createPartitions: [
    {
      topics: ['a', 'b', 'a'].map(name => ({ name, count: 2, assignments: null })),
      validateOnly: false,
      timeoutMs,
    },
    2,
  ],
  alterConfigs: [
    {
      resources: ['a', 'b', 'a'].map(name => ({ type: 'topic', name, configs })),
      validateOnly: false,
      timeoutMs,
    },
    2,
  ],
  incrementalAlterConfigs: [
    {
      resources: ['a', 'b', 'a'].map(name => ({ type: 'topic', name, configs })),
      validateOnly: false,
      timeoutMs,
    },
    2,
  ],
  allocateProducerIds: [{ brokerId: 1, brokerEpoch: 1, timeoutMs }, 1],
  assignDirectories: [{ brokerId: 1, brokerEpoch: 1, assignments: [], timeoutMs }, 1],
  alterPartition: [
    { brokerId: 1, brokerEpoch: 1, partitions: [{ ...partition, recovering: false }], timeoutMs },
    1,
  ],
  electLeaders: [{ election: 'preferred', partitions: [{ topic: 'a', partition: 0 }], timeoutMs }, 1],
  reassignPartitions: [
    {
      partitions: [{ topic: 'a', partition: 0, replicas: null }],
      allowsReplicationFactorChange: true,
      timeoutMs,
    },
    1,
  ],
  updateFeatures: [{ updates: [], validateOnly: false, timeoutMs }, 1],
  unregisterBroker: [{ brokerId: 1, timeoutMs }, 1],
  prepareToStop: [{ brokerId: 1, brokerEpoch: 1, timeoutMs }, 1],
  canRestart: [{ brokerId: 1, timeoutMs }, 1],
  requestRestart: [{ brokerId: 1, durationMs: 1000, holder: 'a', reason: 'b', timeoutMs }, 1],
  releaseRestart: [{ brokerId: 1, grantId: null, timeoutMs }, 1],
}

test.each(commandNames)('without a controller in this process, %s is refused item by item', async name => {
  const [command, answers] = samples[name]
  const result = await runCommand(
    localController(() => undefined),
    name,
    command,
  )
  const items = Array.isArray(result) ? result : [result]
  expect(items.length).toBe(answers)
  for (const item of items) {
    expect(item).toMatchObject({
      error: 'NOT_CONTROLLER',
      message: 'This broker is not the active controller.',
    })
  }
})

test.each(commandNames)('%s goes to the controller that is active then', async name => {
  const [command] = samples[name]
  const asked: unknown[] = []
  const methods = commandNames.map(other => [
    other,
    (given: unknown) => Promise.resolve(asked.push([other, given])),
  ])
  const active = Object.fromEntries(methods) as ControllerClient
  await runCommand(
    localController(() => active),
    name,
    command,
  )
  expect(asked).toEqual([[name, command]])
})

describe('what a command is about is untouched', () => {
  const before = withTopic(withTopic(emptyImage, 'a', [{}]), 'b', [{}, {}])
  const overrides = new Map([['retention.ms', '1']])
  const configured = imageAfter(before, [{ kind: 'config', type: 'topic', name: 'a', overrides }])
  const grown = withTopic(before, 'b', [{}, {}, {}])
  const gone = imageAfter(before, [{ kind: 'topic', topicId: 'id-b', topic: null }])
  const added = withTopic(before, 'c', [{}])
  const list = { validateOnly: false, timeoutMs }

  test.each([
    ['createTopics', { ...list, topics: [newTopic('c')] }, [gone, grown, configured], [added]],
    ['deleteTopics', { ...list, topics: [{ name: 'b', topicId: null }] }, [added, grown], [gone]],
    ['deleteTopics', { ...list, topics: [{ name: null, topicId: 'id-b' }] }, [added, grown], [gone]],
    [
      'createPartitions',
      { ...list, topics: [{ name: 'b', count: 3, assignments: null }] },
      [added, configured],
      [grown, gone],
    ],
    [
      'alterConfigs',
      { ...list, resources: [{ type: 'topic', name: 'a', configs }] },
      [added, grown],
      [configured],
    ],
    [
      'incrementalAlterConfigs',
      { ...list, resources: [{ type: 'topic', name: 'a', configs }] },
      [added, grown],
      [configured],
    ],
    ['electLeaders', { ...list, election: 'preferred', partitions: null }, [], [before]],
  ] as const)('%s %j', (name, command, untouched, touched) => {
    for (const now of untouched) expect(isUntouched(name, before, now, command as never)).toBe(true)
    for (const now of touched) expect(isUntouched(name, before, now, command as never)).toBe(false)
  })
})
