/**
 * What happened to a resource, told where people look (`kubectl describe`, `kubectl events`). The same word within ten
 * minutes is not said again, and a failing event fails nothing else.
 */
import { createHash } from 'node:crypto'
import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import { formatTime } from '../resources/conditions.ts'
import type { KubeObject } from '../resources/kube-object.ts'
import { type ApiServer, fieldManager } from './api-server.ts'

export interface Happening {
  readonly type: 'Normal' | 'Warning'
  /** CamelCase. */
  readonly reason: string
  readonly message: string
}

const quietMs = 600_000
const mostRemembered = 5000
const longestMessage = 1000

export class Events {
  readonly #api: Pick<ApiServer, 'create'>
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #told = new Map<string, number>()

  constructor(api: Pick<ApiServer, 'create'>, clock: Clock, logger: Logger) {
    this.#api = api
    this.#clock = clock
    this.#logger = logger
  }

  /** Never rejects. */
  async tell(about: KubeObject, { type, reason, message }: Happening): Promise<void> {
    const { name, namespace = 'default', uid, resourceVersion } = about.metadata
    const nowMs = this.#clock.nowMs()
    const id = createHash('sha256').update(`${uid}\n${reason}\n${message}`).digest('hex').slice(0, 16)
    const before = this.#told.get(id)
    if (before !== undefined && nowMs - before < quietMs) return
    this.#told.delete(id)
    this.#told.set(id, nowMs)
    for (const oldest of this.#told.keys()) {
      if (this.#told.size <= mostRemembered) break
      this.#told.delete(oldest)
    }
    const time = formatTime(nowMs)
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace, name: `${name.slice(0, 200)}.${id}${nowMs.toString(16)}` },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        name,
        namespace,
        uid,
        resourceVersion,
      },
      type,
      reason,
      message: message.slice(0, longestMessage),
      source: { component: fieldManager },
      reportingComponent: fieldManager,
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    }
    try {
      await this.#api.create(event)
    } catch (error) {
      this.#logger.warn({ err: error, reason, object: name }, 'An event could not be told.')
    }
  }
}
