import { afterEach, beforeEach, expect, test } from 'vitest'
import { ApiServer } from '../../../operator/kube/api-server.ts'
import { LeaderLease } from '../../../operator/kube/leader-lease.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { FakeApiServer } from '../../support/fake-api-server.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/until.ts'

const path = '/apis/coordination.k8s.io/v1/namespaces/demo/leases/barnabas'

let fake: FakeApiServer
let clock: FakeClock
let leases: LeaderLease[]
let apis: ApiServer[]

beforeEach(async () => {
  fake = await FakeApiServer.open()
  clock = new FakeClock()
  leases = []
  apis = []
})

afterEach(async () => {
  for (const lease of leases) await lease.stop()
  for (const api of apis) api.close()
  await fake.close()
})

function candidate(identity: string): LeaderLease {
  const api = new ApiServer(fake.access, { clock, perSecond: 1000, burst: 1000 })
  const lease = new LeaderLease({
    api,
    clock,
    logger: silentLogger,
    namespace: 'demo',
    name: 'barnabas',
    identity,
  })
  apis.push(api)
  leases.push(lease)
  lease.start()
  return lease
}

const holder = (): unknown =>
  (fake.object(path)?.spec as { holderIdentity?: string } | undefined)?.holderIdentity

/** Time goes on in small steps, with all answers in between. */
async function goOn(until_: () => boolean, what: string): Promise<void> {
  await until(() => {
    clock.advance(20)
    return until_()
  }, what)
}

test('the first takes it; another takes it over only after its whole duration without a word', async () => {
  const one = candidate('one')
  await goOn(() => one.isHeld, 'one leads')
  const two = candidate('two')
  const heardAtMs = clock.monotonicMs()
  await goOn(() => clock.monotonicMs() > heardAtMs + 40_000, 'a time in which one renews it')
  expect(two.isHeld).toBe(false)
  expect(holder()).toBe('one')

  fake.refuseNext(/^PUT/, { status: 500, reason: 'InternalError' })
  const renewals = (): number => fake.requests.filter(({ method }) => method === 'PUT').length
  const before = renewals()
  await goOn(() => renewals() >= before + 2, 'a renewal that failed and the next one')
  expect(one.isHeld).toBe(true)
})

test('who gives it back lets another have it at once', async () => {
  const one = candidate('one')
  await goOn(() => one.isHeld, 'one leads')
  const two = candidate('two')
  await one.stop()
  const stoppedAtMs = clock.monotonicMs()
  await goOn(() => two.isHeld, 'two leads')
  expect(clock.monotonicMs() - stoppedAtMs).toBeLessThan(10_000)
  expect(holder()).toBe('two')
})

test('a holder that cannot renew it gives up before another may take it', async () => {
  const one = candidate('one')
  await goOn(() => one.isHeld, 'one leads')
  await fake.close()
  let hasLost = false
  void one.lost().then(() => {
    hasLost = true
  })
  const closedAtMs = clock.monotonicMs()
  await goOn(() => hasLost, 'one gave up')
  expect(one.isHeld).toBe(false)
  expect(clock.monotonicMs() - closedAtMs).toBeLessThan(15_000)
})
