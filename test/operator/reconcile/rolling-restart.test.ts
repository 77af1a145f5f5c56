import { expect, test } from 'vitest'
import type { PodFacts } from '../../../operator/reconcile/pods.ts'
import { type Consent, decideRoll, type RollInput } from '../../../operator/reconcile/rolling-restart.ts'

const aPod = (index: number, facts: Partial<PodFacts> = {}): PodFacts => ({
  name: `demo-brokers-${index}`,
  uid: `uid-${index}`,
  index,
  isReady: true,
  isTerminating: false,
  revision: 'new',
  node: 'node',
  rack: '-',
  unreadySinceMs: 0,
  image: 'image',
  settings: 'settings',
  problem: undefined,
  endsAgain: false,
  ...facts,
})

const consent = (mode: Consent['mode'], approvedHash?: string): Consent => ({
  mode,
  planHash: 'plan',
  approvedHash,
})

function decide(input: Partial<RollInput>) {
  return decideRoll({
    consent: consent('Automatic'),
    reasons: new Map(),
    pods: [aPod(0), aPod(1)],
    brokers: [0, 1],
    kafka: { kind: 'unreachable', reason: 'gone' },
    isRecovering: () => false,
    timeoutMs: 1000,
    nowMs: 10_000,
    etcd: [],
    waitsForEtcd: undefined,
    awaits: undefined,
    ...input,
  })
}

test('a pod is stuck only after it was not ready for the whole time, however old it is', () => {
  const pods = (unreadySinceMs: number) => [aPod(0), aPod(1, { isReady: false, unreadySinceMs })]
  expect(decide({ pods: pods(9500) })).toEqual({ kind: 'done' })
  expect(decide({ pods: pods(8500) })).toEqual({
    kind: 'stalled',
    broker: 1,
    why: 'Broker 1 does not come up: it is not ready after 1 seconds.',
  })
})

test('brokers that are ready are not restarted while none can be asked', () => {
  expect(decide({ reasons: new Map([[0, 'because']]) })).toEqual({
    kind: 'wait',
    why: 'the brokers cannot be asked: gone',
  })
})

test('one that serves nobody is restarted first, and nobody has to grant it', () => {
  const pods = [aPod(0), aPod(1, { isReady: false, unreadySinceMs: 9500 })]
  const reasons = new Map([
    [0, 'because'],
    [1, 'because'],
  ])
  expect(decide({ pods, reasons })).toMatchObject({ kind: 'restart', pod: { index: 1 }, needsGrant: false })
})

test('while a pod stops or is missing, none is restarted', () => {
  const reasons = new Map([[0, 'because']])
  const stopping = [aPod(0), aPod(1, { isReady: false, isTerminating: true })]
  expect(decide({ pods: stopping, reasons })).toEqual({ kind: 'wait', why: 'broker 1 stops' })
  expect(decide({ pods: [aPod(0)], reasons })).toEqual({ kind: 'wait', why: 'broker 1 has no pod yet' })
})

test('one that reads its logs again is not stuck however long it takes, and is waited for', () => {
  const pods = [aPod(0), aPod(1, { isReady: false, unreadySinceMs: 0 })]
  const isRecovering = (id: number): boolean => id === 1
  expect(decide({ pods, isRecovering })).toEqual({ kind: 'done' })
  for (const broker of [0, 1]) {
    expect(decide({ pods, isRecovering, reasons: new Map([[broker, 'because']]) })).toEqual({
      kind: 'wait',
      why: 'broker 1 reads its logs again',
    })
  }
})

test('where people are to do something, it says what', () => {
  const reasons = new Map([[1, 'because']])
  expect(decide({ reasons, consent: consent('Approve') })).toEqual({
    kind: 'needsPeople',
    what: 'Approval',
    why: 'Annotate the Cluster with barnabas.dev/approve-plan=plan: rollout.mode is Approve.',
  })
  expect(decide({ reasons, consent: consent('OnDelete') })).toEqual({
    kind: 'needsPeople',
    what: 'Deletion',
    why: 'Delete demo-brokers-1, one after the other: rollout.mode is OnDelete.',
  })
})

test('where only members of etcd are to be restarted people are asked too, and else that is no job of this', () => {
  const given = { etcd: ['demo-etcd-0', 'demo-etcd-2'] }
  expect(decide(given)).toEqual({ kind: 'done' })
  expect(decide({ ...given, consent: consent('Approve', 'plan') })).toEqual({ kind: 'done' })
  expect(decide({ ...given, consent: consent('Approve', 'other') })).toMatchObject({ what: 'Approval' })
  expect(
    decide({ ...given, consent: consent('OnDelete'), reasons: new Map([[1, 'because']]) }),
  ).toMatchObject({
    why: 'Delete demo-etcd-0, demo-etcd-2, demo-brokers-1, one after the other: rollout.mode is OnDelete.',
  })
})

test('what brokers would be restarted for again is waited for, and nobody approves a plan without it', () => {
  const given = { reasons: new Map([[1, 'because']]), awaits: 'No address yet.' }
  expect(decide(given)).toEqual({ kind: 'wait', why: 'No address yet.' })
  expect(decide({ ...given, consent: consent('Approve') })).toEqual({ kind: 'wait', why: 'No address yet.' })
})

test('a broker that serves is not restarted while etcd is to be restarted; one that is not ready is', () => {
  const reasons = new Map([[1, 'settings change']])
  const waitsForEtcd = 'brokers restart after etcd: kafka-etcd-0'
  expect(decide({ reasons, waitsForEtcd })).toEqual({ kind: 'wait', why: waitsForEtcd })
  const pods = [aPod(0), aPod(1, { isReady: false, unreadySinceMs: 9500 })]
  expect(decide({ reasons, waitsForEtcd, pods })).toMatchObject({
    kind: 'restart',
    reason: 'settings change',
  })
})
