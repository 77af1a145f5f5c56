/** Another number of etcd's members while clients use the cluster: from one to three, one of which is lost, and back to one. */
import { expect, test } from 'vitest'
import { waitUntil } from '../../targets/processes.ts'
import { cluster, numbered, topic, useOperator } from '../operated-cluster.ts'

const operated = useOperator('etcd-members')

const withMembers = (count: number): string =>
  cluster().replace('etcd: {managed: {replicas: 1}}', `etcd: {managed: {replicas: ${count}}}`)

async function hasMembers(count: number): Promise<void> {
  await waitUntil(
    `etcd has ${count} members and the Cluster is ready`,
    async () => {
      const path = '{.spec.replicas}/{.status.readyReplicas}'
      const told = await operated.kubectl('get', 'statefulset', 'kafka-etcd', '-o', `jsonpath=${path}`)
      return told === `${count}/${count}` || undefined
    },
    { deadlineMs: 120_000, everyMs: 500 },
  )
  await operated.until('bnc/kafka', 'Progressing', 'False')
  await operated.until('bnc/kafka', 'Ready', 'True')
}

test('one member becomes three, and no record is lost', { timeout: 400_000 }, async () => {
  await operated.apply(cluster(), topic('orders', 'partitions: 3, replicationFactor: 3'))
  await operated.until('bnt/orders', 'Ready', 'True')
  await operated.produce('orders', numbered(0, 100))
  await operated.apply(withMembers(3))
  for (let batch = 1; batch <= 5; batch++) await operated.produce('orders', numbered(batch * 100, 100))
  await hasMembers(3)
  expect(await operated.consume('orders')).toEqual(numbered(0, 600))
})

test('the first of three may now be lost', { timeout: 200_000 }, async () => {
  const before = await operated.uidOf('kafka-etcd-0')
  await operated.kubectl('delete', 'pvc', 'data-kafka-etcd-0', '--wait=false')
  await operated.kubectl('delete', 'pod', 'kafka-etcd-0')
  await operated.apply(topic('meanwhile', 'partitions: 1'))
  await operated.until('bnt/meanwhile', 'Ready', 'True')
  await operated.replaced('kafka-etcd-0', before)
  await hasMembers(3)
})

test('three become one, and three again', { timeout: 600_000 }, async () => {
  await operated.apply(withMembers(1))
  await hasMembers(1)
  await waitUntil('the volumes of those that left are gone', async () => {
    const claims = await operated.kubectl('get', 'pvc', '-o', 'name')
    return !/kafka-etcd-[12]/.test(claims) || undefined
  })
  await operated.apply(topic('later', 'partitions: 1'))
  await operated.until('bnt/later', 'Ready', 'True')
  await operated.apply(withMembers(3))
  await hasMembers(3)
  expect(await operated.consume('orders')).toEqual(numbered(0, 600))
})
