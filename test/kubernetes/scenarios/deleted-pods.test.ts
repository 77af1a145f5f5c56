/**
 * Pods of brokers that somebody deletes, under load: one, all in turn, several at once, and without grace. Those that go with
 * their namespace wait for nobody.
 */
import { test } from 'vitest'
import { waitUntil } from '../../targets/processes.ts'
import { expectNothingLost, underLoad } from '../checked-load.ts'
import { useKubernetes } from '../fixture.ts'
import { keepLogs } from '../keep-logs.ts'
import { cluster, endsQuietly, numbered, OperatedCluster, topic, useOperator } from '../operated-cluster.ts'

const whole = useKubernetes('whole')
const operated = useOperator('deleted', {}, [whole])
const pods = [0, 1, 2].map(id => `kafka-brokers-${id}`)

/** Deletes them at once, and waits until others are there and all is well. */
async function deletePods(names: readonly string[], ...args: readonly string[]): Promise<void> {
  const before = await Promise.all(names.map(name => operated.uidOf(name)))
  await operated.kubectl('delete', 'pod', ...names, '--wait=false', ...args)
  for (const [at, name] of names.entries()) await operated.replaced(name, before[at] ?? '')
  await operated.until('bnc/kafka', 'Ready', 'True')
}

test('three brokers become ready', async () => {
  await operated.apply(cluster())
  await operated.until('bnc/kafka', 'Ready', 'True')
})

test('all brokers are deleted, one after the other', async () => {
  const outcome = await underLoad(operated, 'in-turn', async load => {
    for (const pod of pods) {
      await deletePods([pod])
      await load.advances()
    }
  })
  expectNothingLost(outcome, { leastInSync: 2 })
})

test('two that are deleted at once go one after the other', async () => {
  const outcome = await underLoad(operated, 'two-at-once', () => deletePods(pods.slice(0, 2)))
  expectNothingLost(outcome, { leastInSync: 2 })
})

test('three that are deleted at once go one after the other', async () => {
  const outcome = await underLoad(operated, 'three-at-once', () => deletePods(pods))
  expectNothingLost(outcome, { leastInSync: 2 })
})

test('one that is deleted by force is replaced at once, and nothing is lost', async () => {
  const outcome = await underLoad(operated, 'by-force', () =>
    deletePods(pods.slice(1, 2), '--grace-period=0', '--force'),
  )
  expectNothingLost(outcome, { leastInSync: 2 })
})

test('two that are deleted by force at once: nothing is lost', async () => {
  const outcome = await underLoad(operated, 'two-by-force', () =>
    deletePods(pods.slice(0, 2), '--grace-period=0', '--force'),
  )
  expectNothingLost(outcome)
})

test('a namespace that is deleted with a Cluster, Topics and records is gone long before the grace of its pods is over', async () => {
  const guest = new OperatedCluster(whole)
  const spec = 'partitions: 6, replicationFactor: 3, minInsyncReplicas: 2'
  await guest.apply(cluster(), topic('kept', spec), topic('removed', `${spec}, reclaimPolicy: Delete`))
  await guest.until('bnc/kafka', 'Ready', 'True')
  for (const name of ['kept', 'removed']) {
    await guest.until(`bnt/${name}`, 'Ready', 'True')
    await guest.produce(name, numbered(0, 1000))
  }
  await whole.kubernetes.kubectl(['delete', 'namespace', whole.namespace, '--wait=false'])
  await waitUntil(
    () => 'the namespace is gone',
    async () => {
      const left = ['get', 'namespace', whole.namespace, '-o', 'name', '--ignore-not-found']
      return (await whole.kubernetes.kubectl(left)) === '' || undefined
    },
    { deadlineMs: 45_000, everyMs: 500 },
  ).catch(async (error: Error) => {
    const kept = await keepLogs(whole.kubernetes, whole.namespace, 'deleted-namespace')
    throw new Error(`${error.message} What stayed is told in ${kept}`)
  })
})

endsQuietly(operated)
