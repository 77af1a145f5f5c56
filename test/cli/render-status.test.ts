import { expect, test } from 'vitest'
import { type LocalStatus, renderInstructions, renderStatus } from '../../cli/render-status.ts'

function aStatus(changes: Partial<LocalStatus> = {}): LocalStatus {
  return {
    cluster: 'demo',
    processes: [{ name: 'broker 1', state: 'ready', detail: '', restarts: 0, pid: 7 }],
    topics: [{ name: 'orders', partitions: 3 }],
    bootstrap: 'localhost:9092',
    metricsUrl: 'http://localhost:9404/metrics',
    upForMs: 3_723_000,
    ...changes,
  }
}

test('brokers, topics and where to connect are shown', () => {
  expect(renderStatus(aStatus())).toEqual([
    '',
    'demo  up 1:02:03',
    '  broker 1  ● ready',
    '  topics    orders (3)',
    '  connect   localhost:9092',
    '  metrics   http://localhost:9404/metrics',
    '  Ctrl-C    stops it',
  ])
})

test('nobody is told to connect before there is somewhere to', () => {
  const processes = [
    { name: 'broker 1', state: 'recovering', detail: '3 logs to read again', restarts: 2, pid: 7 } as const,
  ]
  expect(renderStatus(aStatus({ processes, topics: [], upForMs: 5000 }))).toEqual([
    '',
    'demo  up 0:05',
    '  broker 1  … recovering, restarted 2 times: 3 logs to read again',
    '  Ctrl-C    stops it',
  ])
})

test('many topics are counted', () => {
  const topics = Array.from({ length: 20 }, (_, index) => ({ name: `t${index}`, partitions: 1 }))
  expect(renderStatus(aStatus({ topics })).find(line => line.includes('topics'))).toMatch(
    /t7 \(1\) and 12 more$/,
  )
})

test('the lines to paste name the broker and the topic', () => {
  expect(renderInstructions('localhost:9092', 'hello').join('\n')).toContain(
    'kcat -P -b localhost:9092 -t hello',
  )
})
