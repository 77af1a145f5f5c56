import { createServer } from 'node:net'
import { platform } from 'node:os'
import { expect, test } from 'vitest'
import { findPortProblem, ownerOfPort } from '../../cli/port-owner.ts'

test('a port that is taken is noticed, and on Linux who has it', async () => {
  const server = createServer()
  const port = await new Promise<number>(resolve => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  expect((await findPortProblem('127.0.0.1', port))?.code).toBe('EADDRINUSE')
  if (platform() === 'linux') expect(ownerOfPort(port)).toContain(`process ${process.pid}`)
  await new Promise(resolve => server.close(resolve))
  expect(await findPortProblem('127.0.0.1', port)).toBeUndefined()
  expect(ownerOfPort(port)).toBeUndefined()
})
