import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { type Channel, openChannel, sharedReadWorks } from '../../../broker/network/channel.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { BrokerConnection } from '../../support/broker-connection.ts'
import { until } from '../../support/until.ts'

test('this Node reads into a shared buffer', async () => {
  expect(await sharedReadWorks(systemClock)).toBe(true)
})

test.each([true, false])(
  'a paused channel gives nothing, a resumed one all that came (shared: %s)',
  async isShared => {
    const shared = isShared ? Buffer.alloc(4) : undefined
    let text = ''
    let chunks: Buffer[] = []
    let goOn = true
    const channels: Channel[] = []
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, socket => {
      channels.push(
        openChannel(socket, shared, {
          received(chunk, length) {
            chunks.push(chunk)
            text += chunk.toString('latin1', 0, length)
            return goOn
          },
        }),
      )
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const client = await BrokerConnection.connect(typeof address === 'object' ? (address?.port ?? 0) : 0)
    await client.sent(Buffer.from('abc'))
    await until(() => channels.length === 1, 'the connection is there')
    const channel = channels[0]!
    expect(text).toBe('')
    channel.resume()
    await until(() => text === 'abc', 'the bytes come')
    goOn = false
    await client.sent(Buffer.from('d'))
    await until(() => text === 'abcd', 'one more chunk comes')
    await client.sent(Buffer.from('efghijklm'))
    channel.socket.write('pong')
    await until(() => client.bytesReceived === 4, 'the client has heard from us')
    expect(text).toBe('abcd')
    goOn = true
    channel.resume()
    await until(() => text === 'abcdefghijklm', 'the rest comes')
    expect(chunks.every(chunk => chunk === shared)).toBe(isShared)
    chunks = []
    await client.close()
    channel.socket.destroy()
    await new Promise(resolve => server.close(resolve))
  },
)
