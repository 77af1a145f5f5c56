/** What is written by us while nothing changes, counted by the API server. */
import { letPass } from '../../cluster/let-pass.ts'
import { auditPosition, type AuditedWrite, writesSince } from '../audit.ts'
import { operatorNamespace } from '../operator-chart.ts'
import type { Figure } from './figure.ts'
import type { Stand } from './stand.ts'

export async function measureQuiet(
  stand: Stand,
  {
    namespace,
    minutes,
    progress,
  }: {
    readonly namespace: string
    readonly minutes: number
    readonly progress: (what: string) => void
  },
): Promise<Figure> {
  const log = stand.kubernetes.auditLog
  if (log === undefined) {
    throw new Error(
      'This cluster keeps no audit log, so nobody can say who wrote what; use KUBERNETES_WAY=packages.',
    )
  }
  await stand.operatorAtRest()
  const began = auditPosition(log)
  const endMs = performance.now() + minutes * 60_000
  while (performance.now() < endMs) {
    const leftMs = endMs - performance.now()
    progress(`${Math.ceil(leftMs / 60_000)} quiet minutes to go`)
    await letPass(Math.min(60_000, leftMs))
  }
  const { writes } = writesSince(log, began)
  const ours = writes.filter(({ user }) => isOurs(user, namespace))
  const leases = ours.filter(({ resource }) => resource === 'leases')
  const others = ours.filter(({ resource }) => resource !== 'leases')
  const aroundUs = writes.filter(write => !isOurs(write.user, namespace) && write.namespace === namespace)
  return {
    what: `Writes by us (any ServiceAccount of the operator’s or the Cluster’s namespace) in ${minutes} quiet minutes with 1,000 Topics`,
    goal: '0',
    measured: String(others.length),
    isReached: others.length === 0 && writes.length > 0,
    details: [
      `Beside them ${leases.length} renewals of the leader lease, ${(leases.length / minutes).toFixed(0)} a minute, and ${aroundUs.length} writes by Kubernetes itself to what is in the Cluster’s namespace; ${writes.length} writes by all in the whole cluster.`,
      ...[...others, ...aroundUs].slice(0, 10).map(describe),
    ],
  }
}

function isOurs(user: string, namespace: string): boolean {
  return [operatorNamespace, namespace].some(each => user.startsWith(`system:serviceaccount:${each}:`))
}

function describe({ user, verb, resource, namespace, name }: AuditedWrite): string {
  return `${user}: ${verb} ${resource} ${namespace}/${name}`
}
