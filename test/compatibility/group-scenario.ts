import { expect } from 'vitest'
import type { BrokerUnderTest } from '../targets/broker.ts'
import type { JavaTools } from '../targets/java-tools.ts'
import { GroupLife } from './group-life.ts'
import type { GroupClient } from './group-member.ts'

/** Three members of one client share a topic; a fourth joins, and is killed; the broker is killed and comes back. */
export async function joinDieAndCrash(
  broker: BrokerUnderTest,
  tools: JavaTools,
  client: GroupClient,
): Promise<void> {
  const life = await GroupLife.begin(broker, client.name)
  try {
    // A client that commits before it gives up repeats nothing even when it is in the middle of its work.
    if (client.commitsBeforeRevoke) await life.write(50)
    for (let count = 0; count < 3; count++) await life.join(client)
    await life.settled()
    await life.write(50)
    await life.allProcessed()
    if (client.tellsOwnership) expect(life.members.map(({ owned }) => owned.length)).toEqual([4, 4, 4])

    const fourth = await life.join(client)
    await life.settled(() => (client.commitsBeforeRevoke ? life.write(2) : Promise.resolve()))
    await life.write(50)
    await life.allProcessed()
    life.expectCleanSoFar()

    await life.write(50)
    await life.kill(fourth)
    await life.write(50)
    await life.settled()
    await life.allProcessed()

    await life.write(50)
    await broker.kill()
    await broker.start()
    await life.write(50)
    await life.allProcessed()
    await life.settled()
    await life.end()
    life.expectOneOwnerAtATime()
    await life.expectPositionsNeverWentBack(tools)
  } finally {
    await life.end()
  }
}
