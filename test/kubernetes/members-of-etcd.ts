/** The members of a Cluster's own etcd, as they are and as etcd itself has them. */
import { join } from 'node:path'
import { waitUntil } from '../targets/processes.ts'
import { cluster, type OperatedCluster } from './operated-cluster.ts'

export const member = (index: number): string => `kafka-etcd-${index}`

/** A Cluster with so many. `spec` stands two spaces in. */
export const withMembers = (replicas: number, spec = ''): string =>
  cluster(spec).replace('{replicas: 1}', `{replicas: ${replicas}}`)

/** Name → id. `mayBe`: how many are asked whether they are there. Needs `letThisMachineIn`. */
export async function membersOf(
  { kubernetes, namespace }: OperatedCluster,
  mayBe = 3,
): Promise<Readonly<Record<string, string>>> {
  const asked = [process.execPath, join(import.meta.dirname, 'tell-etcd.ts'), namespace, String(mayBe)]
  const { exit, stdout, stderr } = await kubernetes.runInside(asked)
  if (exit !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as Record<string, string>
}

export async function etcdIsWhole(operated: OperatedCluster, members = 3): Promise<void> {
  await waitUntil(
    'all members of etcd are ready',
    async () => {
      const path = 'jsonpath={.status.replicas} {.status.readyReplicas}'
      const ready = await operated.kubectl('get', 'sts', 'kafka-etcd', '-o', path)
      return ready === `${members} ${members}` || undefined
    },
    { deadlineMs: 120_000, everyMs: 500 },
  )
  await operated.until('bnc/kafka', 'Ready', 'True')
  await operated.until('bnc/kafka', 'Progressing', 'False')
}

/** Pod and volume. */
export async function loseMember(operated: OperatedCluster, index: number): Promise<void> {
  await operated.kubectl('delete', 'pvc', `data-${member(index)}`, '--wait=false')
  await operated.kubectl('delete', 'pod', member(index), '--grace-period=0', '--force')
}
