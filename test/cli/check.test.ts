/** `barnabas check` against a broker process, and against nobody. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BrokerUnderTest } from '../targets/broker.ts'
import { repositoryRoot } from '../targets/kafka-jars.ts'
import { freePorts, run } from '../targets/processes.ts'

let broker: BrokerUnderTest

beforeAll(async () => {
  broker = await BrokerUnderTest.start('barnabas')
})
afterAll(() => broker?.dispose())

function check(...args: readonly string[]): ReturnType<typeof run> {
  return run(process.execPath, [join(repositoryRoot, 'cli', 'main.ts'), 'check', ...args])
}

test('a record goes there and back, and the topic is gone afterwards', async () => {
  const { exit, stdout, stderr } = await check('--bootstrap-server', broker.bootstrapServers)
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
  expect(stdout).toMatch(/^A record was produced in \d+ ms and consumed in \d+ ms\.\n$/)
  const topics = await run('kcat', ['-L', '-b', broker.bootstrapServers])
  expect(topics.stdout).not.toContain('barnabas-check')
})

test('where nobody listens it says so', async () => {
  const [port] = await freePorts(1)
  const { exit, stderr } = await check('--bootstrap-server', `127.0.0.1:${port}`)
  expect(exit).toBe(1)
  expect(stderr).toMatch(/^The cluster does not work: .*ECONNREFUSED/)
})

test('it waits for a cluster that comes up meanwhile', async () => {
  await broker.stop()
  const checking = check('--bootstrap-server', broker.bootstrapServers, '--wait', '60')
  await broker.start()
  expect(await checking).toMatchObject({ exit: 0 })
})

test('what is asked wrongly is refused', async () => {
  expect(await check()).toMatchObject({ exit: 2 })
  expect(await check('--bootstrap-server', 'localhost:9092', '--wait', 'long')).toMatchObject({ exit: 2 })
})
