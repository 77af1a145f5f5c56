/** The list of etcd's members, through the JSON door that etcd has beside gRPC. */
import { request } from 'node:http'
import type { EtcdMember, ObservedEtcd } from '../reconcile/observed-cluster.ts'

const timeoutMs = 3000

interface MemberList {
  readonly members?: readonly {
    readonly ID?: string
    readonly name?: string
    readonly peerURLs?: readonly string[]
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
  const { members = [] } = (await post(endpoint, '/v3/cluster/member/list', {
    linearizable: true,
  })) as MemberList
  return members.map(({ ID = '', name = '', peerURLs = [] }) => ({ id: ID, name, peerUrls: peerURLs }))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Takes the old member (if it is still listed) out, and lists a new one at the same address. */
export async function replaceMember(
  endpoints: readonly string[],
  { memberId, peerUrl }: { readonly memberId: string; readonly peerUrl: string },
): Promise<void> {
  const failures: string[] = []
  for (const endpoint of endpoints) {
    try {
      if (memberId !== '') await post(endpoint, '/v3/cluster/member/remove', { ID: memberId })
      await post(endpoint, '/v3/cluster/member/add', { peerURLs: [peerUrl] })
      return
    } catch (error) {
      failures.push(messageOf(error))
    }
  }
  throw new Error(`The member of etcd at ${peerUrl} was not replaced: ${failures.join(' ')}`)
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
