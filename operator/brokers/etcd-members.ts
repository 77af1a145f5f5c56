/** The list of etcd's members, through the JSON door that etcd has beside gRPC. */
import { request } from 'node:http'
import type { ClusterAction } from '../reconcile/actions.ts'
import type { ObservedEtcd } from '../reconcile/observed-cluster.ts'

const timeoutMs = 3000

interface MemberList {
  readonly members?: readonly {
    readonly ID?: string
    readonly name?: string
    readonly peerURLs?: readonly string[]
    readonly isLearner?: boolean
  }[]
}

/** Asks one endpoint after the other. Never rejects. */
export async function observeEtcd(endpoints: readonly string[]): Promise<ObservedEtcd> {
  let reason = 'there are no endpoints'
  for (const endpoint of endpoints) {
    try {
      const { members = [] } = (await post(endpoint, '/v3/cluster/member/list', {})) as MemberList
      return {
        kind: 'reached',
        members: members.map(({ ID = '', name = '', peerURLs = [], isLearner = false }) => ({
          id: ID,
          name,
          peerUrls: peerURLs,
          isLearner,
        })),
      }
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error)
    }
  }
  return { kind: 'unreachable', reason }
}

/** Takes the old member (if it is still listed) out, and lists a new one at the same address. */
export async function replaceMember(
  endpoints: readonly string[],
  { memberId, peerUrl }: { readonly memberId: string; readonly peerUrl: string },
): Promise<void> {
  await atAny(endpoints, `The member of etcd at ${peerUrl} was not replaced`, async endpoint => {
    if (memberId !== '') await post(endpoint, '/v3/cluster/member/remove', { ID: memberId })
    await post(endpoint, '/v3/cluster/member/add', { peerURLs: [peerUrl] })
  })
}

/** Lists a learner, makes one that has caught up count, or takes a member out. One that has not caught up yet stays a learner. */
export async function changeMembers(
  endpoints: readonly string[],
  { change, memberId, peerUrl }: Pick<MemberChange, 'change' | 'memberId' | 'peerUrl'>,
): Promise<void> {
  const body = change === 'add' ? { peerURLs: [peerUrl], isLearner: true } : { ID: memberId }
  await atAny(endpoints, `The members of etcd were not changed (${change})`, async endpoint => {
    try {
      await post(endpoint, `/v3/cluster/member/${change}`, body)
    } catch (error) {
      if (!notCaughtUp.test((error as Error).message)) throw error
    }
  })
}

type MemberChange = Extract<ClusterAction, { kind: 'changeEtcdMembers' }>

/** How etcd says it of a learner. */
const notCaughtUp = /in sync with leader/

async function atAny(
  endpoints: readonly string[],
  failure: string,
  attempt: (endpoint: string) => Promise<void>,
): Promise<void> {
  const failures: string[] = []
  for (const endpoint of endpoints) {
    try {
      await attempt(endpoint)
      return
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw new Error(`${failure}: ${failures.join(' ')}`)
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
