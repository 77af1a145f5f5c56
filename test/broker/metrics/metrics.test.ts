import { expect, test } from 'vitest'
import { Metrics } from '../../../broker/metrics/metrics.ts'

test('a metric is read when somebody asks, with its labels escaped', async () => {
  const metrics = new Metrics()
  let value = 1
  metrics.register({
    name: 'kafka_log_log_size',
    help: 'Bytes of a log.',
    type: 'gauge',
    collect: emit => emit(value, { topic: 'a"b\\c\nd', partition: 0 }),
  })
  value = 42
  expect((await metrics.expose()).text).toBe(
    '# HELP kafka_log_log_size Bytes of a log.\n# TYPE kafka_log_log_size gauge\nkafka_log_log_size{topic="a\\"b\\\\c\\nd",partition="0"} 42\n',
  )
})

test('two parts cannot have the same metric', () => {
  const metrics = new Metrics()
  const metric = { name: 'one', help: 'One.', type: 'counter', collect: () => undefined } as const
  metrics.register(metric)
  expect(() => metrics.register(metric)).toThrow('Two metrics have the same name')
})

test('scrapes at the same time share one reading', async () => {
  const metrics = new Metrics()
  let reads = 0
  metrics.register({ name: 'reads', help: 'Reads.', type: 'counter', collect: emit => emit(++reads) })
  const [one, other] = await Promise.all([metrics.expose(), metrics.expose()])
  expect(one).toBe(other)
  expect(reads).toBe(1)
  await metrics.expose()
  expect(reads).toBe(2)
})

test('the process tells its event-loop lag, heap and CPU', async () => {
  const metrics = new Metrics()
  metrics.registerProcess()
  const text = (await metrics.expose()).text
  for (const name of [
    'nodejs_eventloop_lag_p99_seconds',
    'nodejs_heap_size_used_bytes',
    'process_cpu_seconds_total',
  ]) {
    expect(text).toContain(`\n${name} `)
  }
})
