/** Groups that go from the classic protocol to KIP-848 and back, member by member, while they work. */
import { expect, test } from 'vitest'
import { useBroker, useJavaTools } from './fixture.ts'
import { GroupLife, groupTestSettings } from './group-life.ts'
import { javaClient, librdkafkaClient } from './group-member.ts'

const broker = useBroker(groupTestSettings)
const tools = useJavaTools()

test.each([
  { classic: javaClient('range'), consumer: javaClient('consumer') },
  { classic: librdkafkaClient('cooperative-sticky'), consumer: librdkafkaClient('consumer') },
  { classic: javaClient('cooperative-sticky'), consumer: librdkafkaClient('consumer') },
])(
  'a group of $classic.name becomes one of $consumer.name, and classic again',
  async ({ classic, consumer }) => {
    const life = await GroupLife.begin(broker(), `${classic.name} ${consumer.name}`)
    const type = async (): Promise<string> => {
      const list = ['--bootstrap-server', broker().bootstrapServers, '--list', '--type', 'consumer']
      const { stdout } = await tools().run('kafka-consumer-groups', list)
      return stdout.includes(life.group) ? 'consumer' : 'classic'
    }
    try {
      const working = () => life.write(2)
      await life.write(50)
      const old = [await life.join(classic), await life.join(classic)]
      await life.settled()
      expect(await type()).toBe('classic')

      const fresh = [await life.join(consumer)]
      await life.settled(working)
      expect(await type()).toBe('consumer')
      fresh.push(await life.join(consumer))
      await life.settled(working)
      for (const member of old) {
        await life.leave(member)
        await life.settled(working)
      }
      expect(await type()).toBe('consumer')

      const again = [await life.join(classic)]
      await life.settled(working)
      expect(await type()).toBe('consumer')
      for (const member of fresh) {
        await life.leave(member)
        await life.settled(working)
      }
      expect(await type()).toBe('classic')
      again.push(await life.join(classic))
      await life.settled(working)
      await life.allProcessed()
      life.expectCleanSoFar()

      const guest = await life.join(consumer)
      await life.settled(working)
      await broker().kill()
      await broker().start()
      await life.write(50)
      await life.kill(guest)
      await life.settled()
      await life.allProcessed()
      expect(await type()).toBe('classic')
      await life.end()
      life.expectOneOwnerAtATime()
      await life.expectPositionsNeverWentBack(tools())
    } finally {
      await life.end()
    }
  },
  240_000,
)
