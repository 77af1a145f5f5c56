import { expect, test } from 'vitest'
import { deferred } from '../../runtime/deferred.ts'
import { QueueRefused, SerialQueue } from '../../runtime/serial-queue.ts'

test('jobs run one at a time in the order they came', async () => {
  const queue = new SerialQueue(10)
  const gate = deferred<void>()
  const done: number[] = []
  const first = queue.run(async () => {
    await gate.promise
    done.push(1)
  })
  const second = queue.run(() => {
    done.push(2)
    return 'two'
  })
  expect(done).toEqual([])
  gate.resolve()
  await first
  expect(await second).toBe('two')
  expect(done).toEqual([1, 2])
})

test('a job that fails leaves the next ones alone', async () => {
  const queue = new SerialQueue(10)
  const failing = queue.run(() => {
    throw new Error('broken')
  })
  const next = queue.run(() => 7)
  await expect(failing).rejects.toThrow('broken')
  expect(await next).toBe(7)
})

test('a full or closed queue refuses', async () => {
  const queue = new SerialQueue(1)
  const gate = deferred<void>()
  const first = queue.run(() => gate.promise)
  await expect(queue.run(() => 1)).rejects.toThrow(QueueRefused)
  gate.resolve()
  await first
  await queue.close()
  await expect(queue.run(() => 1)).rejects.toThrow('closed')
})
