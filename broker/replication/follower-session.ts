import type { ErrorName, Uuid } from '../../protocol/index.ts'

/**
 * A follower's side of a fetch session (KIP-227): the leader remembers what is fetched and from where, so a request names
 * only what has changed. What a request costs depends on how many partitions moved, not on how many there are.
 */
export class FollowerSession<Followed extends SessionMember> {
  readonly #members = new Set<Followed>()
  /** Members whose position the leader does not know yet. */
  readonly #changed = new Set<Followed>()
  /** What the leader has to forget, by key. */
  readonly #gone = new Map<string, Followed>()
  #id = 0
  #epoch = 0

  /** How many partitions are fetched. */
  get size(): number {
    return this.#members.size
  }

  /** Is fetched from now on, or from another position than before. */
  fetch(member: Followed): void {
    this.#members.add(member)
    this.#changed.add(member)
  }

  /** Is not fetched any more; an answer about it that is on its way counts no longer. */
  leave(member: Followed): void {
    if (!this.#members.delete(member)) return
    this.#changed.delete(member)
    if (!member.isAsked) return
    member.isAsked = false
    this.#gone.set(keyOf(member), member)
  }

  /** What the next request says. Everything in it counts as told; when it is not answered, `reset`. */
  next(): SessionRequest<Followed> {
    const isFull = this.#epoch === 0
    const members = isFull ? [...this.#members] : [...this.#changed]
    const request = {
      sessionId: this.#id,
      sessionEpoch: this.#epoch,
      members,
      forgotten: isFull ? [] : this.#goneForGood(members),
    }
    for (const member of members) member.isAsked = true
    this.#changed.clear()
    this.#gone.clear()
    return request
  }

  /** An answer without an error at its top. `sessionId` 0: the leader keeps no session. */
  answered(sessionId: number): void {
    if (sessionId === 0) {
      this.#id = 0
      this.#epoch = 0
      return
    }
    this.#id = sessionId
    this.#epoch = this.#epoch === mostEpoch ? 1 : this.#epoch + 1
  }

  /** The leader refused the request as a whole. */
  refused(error: ErrorName): void {
    // The old session, where there is one, is closed by the request that opens the next.
    if (error === 'FETCH_SESSION_ID_NOT_FOUND') this.#id = 0
    this.#epoch = 0
    this.#forgetWhatWasTold()
  }

  /** The connection is gone, and the session with it. */
  reset(): void {
    this.#id = 0
    this.#epoch = 0
    this.#forgetWhatWasTold()
  }

  #forgetWhatWasTold(): void {
    this.#gone.clear()
    this.#changed.clear()
    for (const member of this.#members) member.isAsked = false
  }

  #goneForGood(members: readonly Followed[]): Followed[] {
    if (this.#gone.size === 0) return []
    for (const member of members) this.#gone.delete(keyOf(member))
    return [...this.#gone.values()]
  }
}

const mostEpoch = 2 ** 31 - 1

export interface SessionMember {
  readonly topicId: Uuid
  readonly index: number
  /** Part of what the leader was asked for last: what it says of the partition is meant for this very object. */
  isAsked: boolean
}

export interface SessionRequest<Followed> {
  readonly sessionId: number
  readonly sessionEpoch: number
  readonly members: readonly Followed[]
  readonly forgotten: readonly Followed[]
}

function keyOf({ topicId, index }: SessionMember): string {
  return `${topicId}/${index}`
}

/** Neighbours of one topic together, as requests have them. */
export function byTopic<Member extends SessionMember>(members: readonly Member[]): Map<Uuid, Member[]> {
  const topics = new Map<Uuid, Member[]>()
  for (const member of members) {
    const of = topics.get(member.topicId)
    if (of === undefined) topics.set(member.topicId, [member])
    else of.push(member)
  }
  return topics
}
