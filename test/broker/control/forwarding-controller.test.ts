import { beforeEach, describe, expect, test } from 'vitest'
import type { CallOutcome } from '../../../broker/control/control-client.ts'
import { commandMethods, decodeCommand, encodeAnswer } from '../../../broker/control/control-api.ts'
import { controlStatus } from '../../../broker/control/control-status.ts'
import { forwardingController } from '../../../broker/control/forwarding-controller.ts'
import { localController } from '../../../broker/controller/local-controller.ts'
import type { ControllerClient } from '../../../broker/controller/controller-client.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import type { MetadataImage } from '../../../broker/metadata/image.ts'
import type { ImageListener } from '../../../broker/metadata/image-follower.ts'
import { zeroUuid } from '../../../protocol/index.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/until.ts'
import { withTopic } from '../controller/image-of.ts'
import { newTopic } from '../controller/one-store-cluster.ts'

const me = 1
let clock: FakeClock
let images: FakeImages
/** What calls come to, in turn; when there is no more, they wait for the end of their time. */
let outcomes: CallOutcome[]
let calls: { port: number; method: string; epoch: number; timeoutMs: number; command: string }[]
let local: ControllerClient | undefined
let controller: ControllerClient

beforeEach(() => {
  clock = new FakeClock()
  images = new FakeImages()
  outcomes = []
  calls = []
  local = undefined
  controller = forwardingController({
    brokerId: me,
    images,
    local: localController(() => local),
    call: (address, method, request, withinMs, signal) => {
      const received = decodeCommand(commandMethods.get(method)!, request)!
      const { controllerEpoch: epoch, timeoutMs } = received.caller
      calls.push({ port: address.port, method, epoch, timeoutMs, command: received.name })
      const outcome = outcomes.shift()
      if (outcome !== undefined) return Promise.resolve(outcome)
      return new Promise(resolve => {
        signal.addEventListener('abort', () => resolve({ kind: 'unreachable', reason: 'it moved' }))
        clock.after(withinMs, () => resolve({ kind: 'lost', reason: 'the deadline is over' }))
      })
    },
    mostRequestBytes: 10_000,
    clock,
    random: seededRandom(1),
  })
})

const create = { topics: [newTopic('a'), newTopic('b'), newTopic('a')], validateOnly: false, timeoutMs: 5000 }
const created = ['a', 'b'].map(name => ({
  name,
  error: 'NONE' as const,
  message: null,
  topicId: zeroUuid,
  numPartitions: 1,
  replicationFactor: 1,
  configs: new Map([['retention.ms', '1']]),
}))
const answered: CallOutcome = {
  kind: 'answered',
  bytes: encodeAnswer('createTopics', { revision: 7, result: created }),
}
const lost: CallOutcome = { kind: 'lost', reason: 'the connection broke' }
const unreachable: CallOutcome = { kind: 'unreachable', reason: 'no connection comes about' }

function refused(status: number): CallOutcome {
  return { kind: 'refused', status, reason: 'for a reason' }
}

/** Lets time go by until the promise is settled. */
async function during<T>(promise: Promise<T>): Promise<T> {
  let isSettled = false
  const settle = (): void => {
    isSettled = true
  }
  promise.then(settle, settle)
  await until(() => {
    if (!isSettled) clock.advance(10)
    return isSettled
  }, 'the command is answered')
  return promise
}

describe('a command', () => {
  test('goes to the controller in this process, with the time that is left', async () => {
    images.elect(me, 3)
    let asked: unknown
    local = localController(() => ({
      ...localController(() => undefined),
      createTopics: command => {
        asked = command
        return Promise.resolve(created)
      },
    }))
    expect(await during(controller.createTopics(create))).toEqual(created)
    expect(asked).toMatchObject({ timeoutMs: 5000, topics: create.topics })
    expect(calls).toEqual([])
  })

  test('goes to the broker that is the controller, with its epoch, and a little less time than there is', async () => {
    images.elect(2, 5)
    images.moveTo(7)
    outcomes.push(answered)
    expect(await during(controller.createTopics(create))).toEqual(created)
    expect(calls).toEqual([
      { port: 9002, method: 'ForwardAdmin', epoch: 5, timeoutMs: 4500, command: 'createTopics' },
    ])
  })

  test('is answered when the own image shows what was done', async () => {
    images.elect(2, 5)
    outcomes.push(answered)
    let isAnswered = false
    const answer = controller.createTopics(create).finally(() => {
      isAnswered = true
    })
    await until(() => images.awaited.length > 0, 'it waits for the image')
    expect(isAnswered).toBe(false)
    images.moveTo(7)
    expect(await answer).toEqual(created)
  })

  test('is answered all the same when the own image does not catch up', async () => {
    images.elect(2, 5)
    outcomes.push(answered)
    expect(await during(controller.createTopics(create))).toEqual(created)
  })

  test.each([
    ['cannot be reached', unreachable],
    ['says that it is not the controller', refused(controlStatus.failedPrecondition)],
    [
      'is deposed before it does anything',
      {
        kind: 'answered',
        bytes: encodeAnswer('createTopics', {
          revision: 7,
          result: created.map(item => ({ ...item, error: 'NOT_CONTROLLER', message: 'No longer.' })),
        }),
      } as const,
    ],
  ])('is sent again when the controller %s', async (_, outcome) => {
    images.elect(2, 5)
    images.moveTo(7)
    outcomes.push(outcome, outcome, answered)
    expect(await during(controller.createTopics(create))).toEqual(created)
    expect(calls.length).toBe(3)
  })

  test('waits for a controller when there is none, and goes to it at once', async () => {
    const answer = controller.createTopics(create)
    images.moveTo(7)
    outcomes.push(answered)
    images.elect(3, 9)
    expect(await during(answer)).toEqual(created)
    expect(calls).toMatchObject([{ port: 9003, epoch: 9 }])
  })

  test('stops waiting for a controller that is one no more', async () => {
    images.elect(2, 5)
    const answer = controller.createTopics(create)
    await until(() => calls.length === 1, 'the first one is asked')
    outcomes.push(answered)
    images.elect(3, 9)
    images.moveTo(10)
    expect(await during(answer)).toEqual(created)
    expect(calls).toMatchObject([{ port: 9002 }, { port: 9003 }])
  })

  test('is refused item by item when its time is over, with the last reason', async () => {
    images.elect(2, 5)
    outcomes.push(...Array.from({ length: 1000 }, () => unreachable))
    const startedAtMs = clock.monotonicMs()
    const answer = await during(controller.createTopics(create))
    expect(answer.map(({ name, error }) => [name, error])).toEqual([
      ['a', 'NOT_CONTROLLER'],
      ['b', 'NOT_CONTROLLER'],
    ])
    expect(answer[0]?.message).toBe('The controller, broker 2, cannot be reached: no connection comes about.')
    expect(clock.monotonicMs() - startedAtMs).toBeLessThanOrEqual(5010)
    expect(calls.length).toBeLessThan(30)
  })

  test('says so when there is no controller, or one without an address', async () => {
    const [nobody] = await during(controller.createTopics(create))
    expect(nobody).toMatchObject({ error: 'NOT_CONTROLLER', message: 'There is no active controller.' })
    images.elect(4, 5, { withAddress: false })
    const [silent] = await during(controller.createTopics(create))
    expect(silent?.message).toBe('The controller, broker 4, tells no address of its control service.')
  })
})

describe('when it is not known whether a command was carried out', () => {
  test('one that would be seen twice is not sent again while that controller stays', async () => {
    images.elect(2, 5)
    outcomes.push(lost, answered)
    const [item] = await during(controller.createTopics(create))
    expect(item).toMatchObject({
      error: 'REQUEST_TIMED_OUT',
      message:
        'The answer of the controller, broker 2, was lost (the connection broke); it may have done what was asked.',
    })
    expect(calls.length).toBe(1)
  })

  test('it is sent again when the image of the next controller shows nothing of it', async () => {
    images.elect(2, 5)
    outcomes.push(lost, answered)
    const answer = controller.createTopics(create)
    await until(() => calls.length === 1, 'the first one is asked')
    images.elect(3, 9)
    images.moveTo(10)
    expect(await during(answer)).toEqual(created)
    expect(calls.map(({ epoch }) => epoch)).toEqual([5, 9])
  })

  test('it is not when that image shows something of it', async () => {
    images.elect(2, 5)
    outcomes.push(lost, answered)
    const answer = controller.createTopics(create)
    await until(() => calls.length === 1, 'the first one is asked')
    images.set(withTopic(images.image, 'b', [{}]))
    images.elect(3, 9)
    expect((await during(answer)).map(({ error }) => error)).toEqual([
      'REQUEST_TIMED_OUT',
      'REQUEST_TIMED_OUT',
    ])
    expect(calls.length).toBe(1)
  })

  test('one that only asks what would be is sent again', async () => {
    images.elect(2, 5)
    images.moveTo(7)
    outcomes.push(lost, answered)
    expect(await during(controller.createTopics({ ...create, validateOnly: true }))).toEqual(created)
    expect(calls.length).toBe(2)
  })

  test('one that does nothing the second time is sent again', async () => {
    images.elect(2, 5)
    images.moveTo(7)
    const result = { error: 'NONE', message: null, firstProducerId: 3000, count: 1000 } as const
    outcomes.push(lost, {
      kind: 'answered',
      bytes: encodeAnswer('allocateProducerIds', { revision: 7, result }),
    })
    const command = { brokerId: me, brokerEpoch: 1, timeoutMs: 1000 }
    expect(await during(controller.allocateProducerIds(command))).toEqual(result)
    expect(calls.map(({ method }) => method)).toEqual(['AllocateProducerIds', 'AllocateProducerIds'])
  })

  test('an answer that makes no sense counts as lost', async () => {
    images.elect(2, 5)
    outcomes.push({ kind: 'answered', bytes: Buffer.from([0x80]) })
    const [item] = await during(controller.createTopics(create))
    expect(item?.error).toBe('REQUEST_TIMED_OUT')
    expect(item?.message).toContain('ForwardAdminResponse makes no sense')
  })
})

describe('a controller of another release', () => {
  test('that does not know the command makes a sentence of it', async () => {
    images.elect(2, 5)
    outcomes.push(refused(controlStatus.unimplemented))
    const [item] = await during(controller.createTopics(create))
    expect(item).toMatchObject({ error: 'UNSUPPORTED_VERSION' })
    expect(item?.message).toBe(
      'The controller, broker 2, runs a release that cannot do this yet (for a reason); finish the upgrade of all brokers.',
    )
  })

  test('that does not understand the request is not asked again', async () => {
    images.elect(2, 5)
    outcomes.push(refused(controlStatus.invalidArgument), answered)
    const [item] = await during(controller.createTopics(create))
    expect(item?.error).toBe('UNKNOWN_SERVER_ERROR')
    expect(calls.length).toBe(1)
  })
})

test('a request that is too large for the way is refused before it is sent', async () => {
  images.elect(2, 5)
  const topics = Array.from({ length: 2000 }, (_, at) => newTopic(`topic-${at}`))
  const [item] = await during(controller.createTopics({ ...create, topics }))
  expect(item).toMatchObject({ error: 'INVALID_REQUEST' })
  expect(item?.message).toMatch(/takes \d+ bytes .* of 10000 allowed; send it in parts/)
  expect(calls).toEqual([])
})

/** Brokers 2 and 3 with control services at ports 9002 and 9003, and a controller that can be moved. */
class FakeImages {
  image: MetadataImage = emptyImage
  readonly awaited: { readonly revision: number; resolve(image: MetadataImage): void }[] = []
  #listeners: ImageListener[] = []

  onChange(listener: ImageListener): () => void {
    this.#listeners.push(listener)
    return () => {
      this.#listeners = this.#listeners.filter(other => other !== listener)
    }
  }

  waitForRevision(revision: number, signal?: AbortSignal): Promise<MetadataImage> {
    return new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason))
      this.awaited.push({ revision, resolve })
    })
  }

  elect(id: number, epoch: number, { withAddress = true }: { withAddress?: boolean } = {}): void {
    const control = withAddress ? { host: '127.0.0.1', port: 9000 + id, tls: false } : null
    const broker = {
      id,
      epoch: id,
      incarnationId: zeroUuid,
      listeners: [],
      control,
      rack: null,
      logDirectories: [],
      fenced: false,
      cordoned: false,
      stopping: false,
      features: [],
      minInsyncReplicas: 1,
      previousEpoch: -1,
    }
    const brokers = new Map([...this.image.brokers, [id, broker]])
    this.#change({ ...this.image, brokers, controller: { id, epoch } })
  }

  moveTo(revision: number): void {
    this.#change({ ...this.image, revision })
    for (const one of this.awaited) if (one.revision <= revision) one.resolve(this.image)
  }

  set(image: MetadataImage): void {
    this.#change(image)
  }

  #change(next: MetadataImage): void {
    const previous = this.image
    this.image = next
    const none = new Set<never>()
    const changed = { topics: none, brokers: none, configs: none, operations: none }
    for (const listener of this.#listeners)
      listener(next, previous, { ...changed, controller: true, features: false })
  }
}
