/** Clusters that have come to rest, and what is asked of them. */
import { FakeWorld, Killed } from './fake-world.ts'

export const oneEtcd = { etcd: { managed: { replicas: 1 } } }

export function settled(spec: object, topics: Record<string, number[][]> = {}): FakeWorld {
  const world = new FakeWorld(spec)
  world.settle()
  for (const [name, partitions] of Object.entries(topics)) {
    world.topics.set(
      name,
      partitions.map(replicas => ({ replicas, inSync: [...replicas] })),
    )
  }
  world.settle()
  world.history.length = 0
  return world
}

/** To its end, though the operator dies after so many writes: another one goes on, a little later. */
export function settleKilled(world: FakeWorld, afterWrites: number): void {
  world.killAfter = world.writes + afterWrites
  try {
    world.settle()
  } catch (error) {
    if (!(error instanceof Killed)) throw error
    world.killAfter = Number.POSITIVE_INFINITY
    world.restartOperator()
    // Pods are started again and again meanwhile.
    world.step()
    world.step()
    world.settle()
  }
}

export const condition = (world: FakeWorld, type: string) =>
  world.status.conditions?.find(each => each.type === type)
export const restarts = (world: FakeWorld): number[] =>
  world.history.flatMap(line => /^restart (\d+)/.exec(line)?.[1] ?? []).map(Number)
export const orders = {
  orders: [
    [0, 1, 2],
    [1, 2, 0],
    [2, 0, 1],
  ],
}
