import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { UpDirectory } from '../support/barnabas-up.ts'
import { Etcd } from '../support/etcd.ts'

let place: UpDirectory

beforeEach(async () => {
  place = await UpDirectory.make()
})

afterEach(() => place.remove())

test('mistakes are told before anything is started', { timeout: 20_000 }, async () => {
  const run = place.up(place.write('partitions: 0', '{ topicDefaults: { replicationFactor: 3 } }'))
  expect(await run.exitCode).toBe(2)
  expect(run.output).toContain('cluster.yaml:9: spec.partitions must be at least 1.')
  expect(run.output).toContain('spec.topicDefaults.replicationFactor is 3, but there is one broker here')
  expect(existsSync(place.dataDirectory)).toBe(false)
})

test('a port that is taken is told in a sentence', { timeout: 20_000 }, async () => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(place.clientPort, '127.0.0.1', resolve))
  const run = place.up(place.write('partitions: 1'))
  expect(await run.exitCode).toBe(1)
  expect(run.output).toMatch(/Port \d+ \(listener internal\) is taken.*choose another port with --port\./)
  server.close()
})

test('several brokers without etcd on the machine are refused with a way to get it', {
  timeout: 20_000,
}, async () => {
  const manifest = place.write('partitions: 1', '{ brokers: { replicas: 3 } }')
  const run = place.up(manifest, { PATH: place.directory })
  expect(await run.exitCode).toBe(2)
  expect(run.output).toContain('apt-get install etcd-server')
  expect(existsSync(place.dataDirectory)).toBe(false)
})

test('an etcd that is given is used, and none is started', { timeout: 30_000 }, async () => {
  const etcd = await Etcd.start()
  try {
    const endpoints = etcd.endpoints.map(endpoint => `"${endpoint}"`).join(', ')
    const run = place.up(place.write('partitions: 1', `{ etcd: { endpoints: [${endpoints}] } }`))
    await run.says('Ctrl-C stops it')
    expect(run.output).not.toContain('has no effect')
    expect(place.programs()).toHaveLength(1)
    expect(await etcd.keys()).toContainEqual(expect.stringMatching(/topic-names\/orders$/))
    await run.end()
  } finally {
    await etcd.remove()
  }
})
