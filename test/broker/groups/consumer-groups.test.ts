import { expect, test } from 'vitest'
import { type BrokerSettings } from '../../../broker/config/broker-settings.ts'
import { loadBrokerSettings } from '../../../broker/config/load-settings.ts'
import { consumerCommands, ConsumerGroups } from '../../../broker/groups/consumer-groups.ts'
import { groupParts } from '../../../broker/groups/groups.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import { errorName } from '../../../protocol/index.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { FakeClock } from '../../support/fake-clock.ts'

/** A coordinator that leads no partition: who is let through learns that. */
function groupsWith(finalized: ReadonlyMap<string, number>, protocols: string): ConsumerGroups {
  const loaded = loadBrokerSettings({
    manifest: { 'node.id': '1', 'log.dirs': '/data', 'group.coordinator.rebalance.protocols': protocols },
  })
  if (loaded.kind === 'invalid') throw new Error(loaded.mistakes.join('\n'))
  const settings = (): BrokerSettings => loaded.settings
  const clock = new FakeClock()
  const options = {
    image: () => ({ ...emptyImage, features: { epoch: 1, finalized } }),
    settings,
    clock,
    random: seededRandom(1),
    parts: () => parts,
  }
  const commands = consumerCommands(options)
  const parts = groupParts(clock, settings, commands)
  return new ConsumerGroups({ forKey: () => 'NOT_COORDINATOR' }, commands, options)
}

const joining = {
  groupId: 'g',
  memberId: 'm',
  memberEpoch: 0,
  instanceId: null,
  rackId: null,
  rebalanceTimeoutMs: 30_000,
  subscribedTopicNames: ['t'],
  subscribedTopicRegex: null,
  serverAssignor: null,
  topicPartitions: [],
}

test.each([
  { level: 1, protocols: 'classic,consumer,streams', error: 'NOT_COORDINATOR' },
  { level: 1, protocols: 'classic,streams', error: 'UNSUPPORTED_VERSION' },
  { level: 0, protocols: 'classic,consumer', error: 'UNSUPPORTED_VERSION' },
  { level: undefined, protocols: 'classic,consumer', error: 'UNSUPPORTED_VERSION' },
])('with group.version $level and the protocols $protocols: $error', ({ level, protocols, error }) => {
  const groups = groupsWith(new Map(level === undefined ? [] : [['group.version', level]]), protocols)
  const errors: string[] = []
  groups.heartbeat(joining, 1, { clientId: 'c', clientHost: '/127.0.0.1' }, ({ errorCode }) =>
    errors.push(errorName(errorCode)),
  )
  groups.describe('g', ({ errorCode }) => errors.push(errorName(errorCode)))
  expect(errors).toEqual([error, error])
})
