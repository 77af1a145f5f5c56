/** The list of etcd's members, through the JSON door that etcd has beside gRPC. */
import { request } from 'node:http'
import { unreachable } from '../../runtime/assert.ts'
import type { EtcdChange } from '../reconcile/actions.ts'
import type { EtcdMember, ObservedEtcd } from '../reconcile/observed-cluster.ts'

const timeoutMs = 3000
/** In base64; it need not be there. */
const anyKey = 'AA=='

interface MemberList {
  readonly members?: readonly {
    readonly ID?: string
    readonly name?: string
    readonly peerURLs?: readonly string[]
    readonly isLearner?: boolean
  }[]
}

/**
 * Asks all endpoints, and takes the first answer. Each comes from a quorum: a member that is behind or was taken out does not
 * tell what was once so. Never rejects.
 */
export async function observeEtcd(endpoints: readonly string[]): Promise<ObservedEtcd> {
  try {
    return { kind: 'reached', members: await Promise.any(endpoints.map(listMembers)) }
  } catch (error) {
    const failures = error instanceof AggregateError ? error.errors : [error]
    return { kind: 'unreachable', reason: failures.map(messageOf).join(' ') || 'There are no endpoints.' }
  }
}

async function listMembers(endpoint: string): Promise<readonly EtcdMember[]> {
  // etcd 3.4 tells what it knows. It knows what the others do once it has answered a read that they agree on.
  await post(endpoint, '/v3/kv/range', { key: anyKey })
  const { members = [] } = (await post(endpoint, '/v3/cluster/member/list', {})) as MemberList
  return members.map(({ ID = '', name = '', peerURLs = [], isLearner = false }) => ({
    id: ID,
    name,
    peerUrls: peerURLs,
    isLearner,
  }))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** etcd is careful: it lets nobody come or go while a member has just connected, nor vote before it has caught up. */
const notYet = /unhealthy cluster|not enough started members|in sync with leader/

/** One member after the other is asked. Answers why etcd does not do it yet, undefined when it is done; else throws. */
export async function changeMembers(
  endpoints: readonly string[],
  change: EtcdChange,
): Promise<string | undefined> {
  const failures: string[] = []
  for (const endpoint of endpoints) {
    try {
      await changeAt(endpoint, change)
      return undefined
    } catch (error) {
      failures.push(messageOf(error))
    }
  }
  const refusal = failures.find(failure => notYet.test(failure))
  if (refusal !== undefined) return refusal
  throw new Error(`The members of etcd were not changed (${JSON.stringify(change)}): ${failures.join(' ')}`)
}

async function changeAt(endpoint: string, change: EtcdChange): Promise<void> {
  switch (change.kind) {
    case 'add':
      await post(endpoint, '/v3/cluster/member/add', {
        peerURLs: [change.peerUrl],
        isLearner: change.isLearner,
      })
      return
    case 'promote':
    case 'remove':
      await post(endpoint, `/v3/cluster/member/${change.kind}`, { ID: change.memberId })
      return
    case 'replace':
      if (change.memberId !== '') await changeAt(endpoint, { kind: 'remove', memberId: change.memberId })
      await changeAt(endpoint, { ...change, kind: 'add' })
      return
    default:
      unreachable(change)
  }
}

function post(endpoint: string, path: string, body: unknown): Promise<unknown> {
  const url = new URL(path, endpoint)
  const text = JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const asked = request(url, { method: 'POST', timeout: timeoutMs, agent: false }, response => {
      let answer = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        answer += piece
      })
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode !== 200) {
          reject(new Error(`${url.host} answered ${response.statusCode}: ${answer.slice(0, 300)}`))
          return
        }
        try {
          resolve(JSON.parse(answer))
        } catch (error) {
          reject(error as Error)
        }
      })
    })
    asked.on('timeout', () => asked.destroy(new Error(`${url.host} did not answer within ${timeoutMs} ms.`)))
    asked.on('error', reject)
    asked.end(text)
  })
}
