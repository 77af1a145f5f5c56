/** Another image: for the brokers under load and back again, and for the operator, which leaves brokers alone. */
import { beforeAll, expect, test } from 'vitest'
import { expectNothingLost, underLoad } from '../checked-load.ts'
import { cluster, endsQuietly, useOperator } from '../operated-cluster.ts'
import { installChart, operatorNamespace } from '../operator-chart.ts'
import { giveImage } from '../prepared-cluster.ts'

const operated = useOperator('image')
const next = `${operated.image}-next`

beforeAll(() => giveImage(operated.kubernetes, next))

async function imagesOfBrokers(): Promise<readonly string[]> {
  const path = '{range .items[*]}{.spec.containers[0].image}{" "}{end}'
  const selector = 'app.kubernetes.io/component=broker'
  return (await operated.kubectl('get', 'pods', '-l', selector, '-o', `jsonpath=${path}`)).trim().split(' ')
}

async function rolledTo(image: string): Promise<void> {
  await operated.until('bnc/kafka', 'UpToDate', 'True')
  await operated.until('bnc/kafka', 'Ready', 'True')
  expect(await imagesOfBrokers()).toEqual([image, image, image])
}

test('another image goes through all brokers under load, and the one before again, and nothing is lost', async () => {
  await operated.apply(cluster())
  await operated.until('bnc/kafka', 'Ready', 'True')
  const outcome = await underLoad(operated, 'checked', async load => {
    await operated.apply(cluster(`image: ${next}`))
    await rolledTo(next)
    await load.advances()
    await operated.apply(cluster(`image: ${operated.image}`))
    await rolledTo(operated.image)
  })
  expectNothingLost(outcome, { leastInSync: 2 })
})

test('another operator leaves brokers alone that have an image of their own', async () => {
  const before = await operated.podUids()
  const generation = await generationOfBrokers()
  await runOperator(next)
  await operated.looked()
  await operated.until('bnc/kafka', 'UpToDate', 'True')
  expect(await operated.podUids()).toEqual(before)
  expect(await generationOfBrokers()).toBe(generation)
})

test('brokers that have the image of the operator follow it, in mode Approve when they may', async () => {
  const before = await operated.podUids()
  await operated.apply(cluster('rollout: {mode: Approve}'))
  const { message } = await operated.until('bnc/kafka', 'UpToDate', 'False', 'ApprovalNeeded')
  expect(message).toContain(`image changes from ${operated.image} to ${next}`)
  await runOperator(operated.image)
  await operated.until('bnc/kafka', 'UpToDate', 'True')
  expect(await operated.podUids()).toEqual(before)
})

endsQuietly(operated)

/** By helm upgrade. */
async function runOperator(image: string): Promise<void> {
  await installChart(operated.kubernetes, '4.1', image, { 'watch.namespaces': [operated.namespace] })
  await operated.operatorReady()
  const path = 'jsonpath={.items[*].spec.containers[0].image}'
  const selector = 'app.kubernetes.io/name=barnabas-operator'
  const runs = await operated.kubectlIn(operatorNamespace, 'get', 'pods', '-l', selector, '-o', path)
  expect(runs).toBe(image)
}

function generationOfBrokers(): Promise<string> {
  return operated.kubectl('get', 'statefulset', 'kafka-brokers', '-o', 'jsonpath={.metadata.generation}')
}
