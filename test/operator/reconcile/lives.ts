/** Clusters that have come to rest, and what is asked of them. */
import { FakeWorld } from './fake-world.ts'

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
