import type { Peers } from '../peers/peers.ts'
import { Follower, type FollowerParts, type FollowerSettings } from './follower.ts'
import type { Partition } from './partition.ts'

/**
 * Who copies what from where: one follower per leading broker and lane (num.replica.fetchers), made when there is something
 * to copy and stopped when there is nothing any more.
 */
export class Followers {
  readonly #options: FollowersOptions
  readonly #followers = new Map<string, Follower>()
  readonly #assigned = new Map<Partition, Assignment>()
  readonly #stopping = new Set<Promise<void>>()
  #stopped = false

  constructor(options: FollowersOptions) {
    this.#options = options
  }

  /** How far the partition that is furthest behind its leader's watermark is behind. */
  get maxLag(): number {
    let most = 0
    for (const follower of this.#followers.values()) most = Math.max(most, follower.maxLag)
    return most
  }

  /** The partition follows, leads or waits as its state says now. */
  update(partition: Partition): void {
    if (this.#stopped) return
    const { leader, leaderEpoch } = partition.state
    if (leader < 0 || leader === this.#options.brokerId || partition.isOffline) {
      this.remove(partition)
      return
    }
    const key = `${leader}/${this.#laneOf(partition)}`
    const current = this.#assigned.get(partition)
    if (current?.key === key && current.leaderEpoch === leaderEpoch) return
    if (current?.key !== key) this.remove(partition)
    let follower = this.#followers.get(key)
    if (follower === undefined) {
      follower = new Follower({ ...this.#options, link: this.#options.peers.link(leader) })
      this.#followers.set(key, follower)
    }
    this.#assigned.set(partition, { key, leaderEpoch })
    follower.follow(partition)
  }

  remove(partition: Partition): void {
    const assigned = this.#assigned.get(partition)
    if (assigned === undefined) return
    this.#assigned.delete(partition)
    const follower = this.#followers.get(assigned.key)
    follower?.unfollow(partition)
    if (follower?.size === 0) this.#stopOne(assigned.key, follower)
  }

  /** The setting num.replica.fetchers has changed. */
  spreadAnew(): void {
    const partitions = [...this.#assigned.keys()]
    for (const partition of partitions) this.update(partition)
  }

  /** Resolves when nothing is appended any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const [key, follower] of this.#followers) this.#stopOne(key, follower)
    this.#assigned.clear()
    await Promise.all(this.#stopping)
  }

  #stopOne(key: string, follower: Follower): void {
    this.#followers.delete(key)
    const stopped = follower.stop().finally(() => this.#stopping.delete(stopped))
    this.#stopping.add(stopped)
  }

  #laneOf({ topic, index }: Partition): number {
    const lanes = this.#options.settings()['num.replica.fetchers']
    if (lanes <= 1) return 0
    let hash = index
    for (let at = 0; at < topic.length; at++) hash = (Math.imul(hash, 31) + topic.charCodeAt(at)) >>> 0
    return hash % lanes
  }
}

interface Assignment {
  readonly key: string
  readonly leaderEpoch: number
}

export interface FollowersOptions extends Omit<FollowerParts, 'link' | 'settings'> {
  readonly peers: Pick<Peers, 'link'>
  readonly settings: () => FollowerSettings & { readonly 'num.replica.fetchers': number }
}
