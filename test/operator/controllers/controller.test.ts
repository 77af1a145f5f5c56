import { expect, test } from 'vitest'
import { Controller, type Outcome } from '../../../operator/controllers/controller.ts'
import { OperatorMetrics } from '../../../operator/controllers/operator-metrics.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/until.ts'

function aController(reconcile: (key: string) => Promise<Outcome>) {
  const clock = new FakeClock()
  const metrics = new OperatorMetrics()
  const controller = new Controller({
    name: 'cluster',
    reconcile,
    workers: 2,
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    metrics,
  })
  controller.start()
  return { clock, metrics, controller }
}

test('what fails is tried again, what asks for it comes again later, and both are counted', async () => {
  const calls: string[] = []
  const { clock, metrics, controller } = aController(key => {
    calls.push(key)
    if (key === 'bad' && calls.filter(each => each === 'bad').length < 3)
      return Promise.reject(new Error('no'))
    return Promise.resolve(key === 'later' && calls.length < 4 ? { againAfterMs: 5000 } : {})
  })
  controller.enqueue('bad')
  controller.enqueue('later')
  await until(() => calls.length === 2 && clock.pendingTimers === 2, 'both were tried')
  clock.advance(200)
  await until(() => calls.length === 3 && clock.pendingTimers === 2, 'the bad one was tried again')
  clock.advance(4800)
  await until(() => calls.length === 5 && clock.pendingTimers === 0, 'all is well')
  await controller.stop()
  const text = await metrics.registry.metrics()
  expect(text).toContain('controller_runtime_reconcile_total{controller="cluster",result="error"} 2')
  expect(text).toContain('controller_runtime_reconcile_total{controller="cluster",result="success"} 2')
  expect(text).toContain('controller_runtime_reconcile_total{controller="cluster",result="requeue_after"} 1')
  expect(text).toContain(
    `barnabas_operator_last_success_timestamp_seconds{controller="cluster"} ${clock.nowMs() / 1000}`,
  )
  expect(text).toContain('workqueue_retries_total{name="cluster"} 2')
  expect(text).toContain('controller_runtime_active_workers{controller="cluster"} 0')
})

test('one key is never on two workers, different keys are', async () => {
  const ends = new Map<string, () => void>()
  let most = 0
  const { controller } = aController(async key => {
    expect(ends.has(key)).toBe(false)
    await new Promise<void>(resolve => ends.set(key, resolve))
    return {}
  })
  controller.enqueue('a')
  await until(() => ends.size === 1, 'a is worked on')
  controller.enqueue('a')
  controller.enqueue('b')
  await until(() => ends.size === 2, 'b is worked on beside it')
  most = ends.size
  for (const key of ['a', 'b']) {
    const end = ends.get(key)
    ends.delete(key)
    end?.()
  }
  await until(() => ends.has('a'), 'a is worked on once more')
  ends.get('a')?.()
  await controller.stop()
  expect(most).toBe(2)
})
