import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isNameGone } from '../../../broker/network/name-gone.ts'

/** Answers each question with the code that the first label of its name says: 0 well, 2 failure, 3 no such name. */
const server = createSocket('udp4')
server.on('message', (question, from) => {
  const answer = Buffer.from(question)
  const label = question.toString('latin1', 13, 13 + (question[12] ?? 0))
  const code = { there: 0, failing: 2, gone: 3 }[label] ?? 0
  answer.writeUInt16BE(0x8180 | code, 2)
  server.send(answer, from.port, from.address)
})
let servers: readonly string[]

beforeAll(async () => {
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  servers = [`127.0.0.1:${server.address().port}`]
})
afterAll(() => void server.close())

test('only a name that a server says is none is gone', async () => {
  expect(await isNameGone('gone.example.com', servers)).toBe(true)
  expect(await isNameGone('there.example.com', servers)).toBe(false)
  expect(await isNameGone('failing.example.com', servers)).toBe(false)
})
