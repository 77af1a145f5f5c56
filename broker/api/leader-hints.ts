import { type ErrorName, errorCode } from '../../protocol/index.ts'
import type { MetadataImage } from '../metadata/image.ts'
import { brokerEndpoints } from './cluster-view.ts'

/**
 * Who leads instead, told to a client that asked the wrong broker: it goes on there without asking for metadata first
 * (KIP-951). Gathered while one answer is made.
 */
export class LeaderHints {
  readonly #image: () => MetadataImage | undefined
  readonly #listenerName: string
  readonly #leaders = new Set<number>()

  constructor(image: () => MetadataImage | undefined, listenerName: string) {
    this.#image = image
    this.#listenerName = listenerName
  }

  /** -1, -1 when nobody is known to lead. */
  leaderOf(topic: string, index: number): { readonly leaderId: number; readonly leaderEpoch: number } {
    const state = this.#image()?.topicsByName.get(topic)?.partitions[index]
    if (state === undefined || state.leader < 0)
      return { leaderId: -1, leaderEpoch: state?.leaderEpoch ?? -1 }
    this.#leaders.add(state.leader)
    return { leaderId: state.leader, leaderEpoch: state.leaderEpoch }
  }

  /** Where the leaders that were named listen, on the listener that the client came in on. */
  get endpoints(): { nodeId: number; host: string; port: number; rack: string | null }[] {
    const image = this.#image()
    if (this.#leaders.size === 0 || image === undefined) return []
    return brokerEndpoints(image, this.#listenerName)
      .filter(({ id }) => this.#leaders.has(id))
      .map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack }))
  }
}

const toldWith: ReadonlySet<number> = new Set([
  errorCode('NOT_LEADER_OR_FOLLOWER'),
  errorCode('FENCED_LEADER_EPOCH'),
])

/** Whether an answer with this error names the leader. */
export function namesLeader(error: ErrorName | number): boolean {
  return toldWith.has(typeof error === 'number' ? error : errorCode(error))
}
