/** Pods of brokers that somebody deletes, under load: one, all in turn, several at once, and without grace. */
import { test } from 'vitest'
import { expectNothingLost, underLoad } from '../checked-load.ts'
import { cluster, endsQuietly, useOperator } from '../operated-cluster.ts'

const operated = useOperator('deleted')
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

endsQuietly(operated)
