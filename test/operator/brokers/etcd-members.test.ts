import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { changeMembers, observeEtcd } from '../../../operator/brokers/etcd-members.ts'
import type { EtcdMember as Listed } from '../../../operator/reconcile/observed-cluster.ts'
import { Etcd, EtcdMember } from '../../support/etcd.ts'
import { freePorts, waitUntil } from '../../targets/processes.ts'

async function listed(endpoints: readonly string[]): Promise<readonly Listed[]> {
  const seen = await observeEtcd(endpoints)
  if (seen.kind !== 'reached') throw new Error(JSON.stringify(seen))
  return [...seen.members].sort((a, b) => a.name.localeCompare(b.name))
}

/** Until etcd does it. */
function untilDone(endpoints: readonly string[], change: Parameters<typeof changeMembers>[1]): Promise<true> {
  let refusal: string | undefined
  return waitUntil(
    () => `etcd does ${JSON.stringify(change)}; it said ${refusal}`,
    async () => {
      refusal = await changeMembers(endpoints, change)
      return refusal === undefined || undefined
    },
    { deadlineMs: 30_000, everyMs: 200 },
  )
}

test('a member is listed without a vote, joins, is given one when it has caught up, and is taken out', async () => {
  await using etcd = await Etcd.start()
  const directory = mkdtempSync(join(tmpdir(), 'barnabas-etcd-'))
  const [clientPort, peerPort] = await freePorts(2)
  const peerUrl = `http://127.0.0.1:${peerPort}`
  const [first] = await listed(etcd.endpoints)
  const place = { name: 'm2', directory, clientUrl: `http://127.0.0.1:${clientPort}`, peerUrl }
  const cluster = `there-already=${first?.peerUrls[0]},m2=${peerUrl}`
  const joining = new EtcdMember(place, [`--initial-cluster=${cluster}`, '--initial-cluster-state=existing'])
  onTestFinished(async () => {
    await joining.kill()
    rmSync(directory, { recursive: true, force: true })
  })

  // One that is not there is passed over.
  const endpoints = [place.clientUrl, ...etcd.endpoints]
  await untilDone(endpoints, { kind: 'add', peerUrl, isLearner: true })
  const [unnamed] = await listed(endpoints)
  const memberId = unnamed?.id ?? ''
  expect(unnamed).toEqual({ id: memberId, name: '', peerUrls: [peerUrl], isLearner: true })
  expect(await changeMembers(endpoints, { kind: 'promote', memberId })).toMatch(/in sync with leader/)

  joining.start()
  await untilDone(endpoints, { kind: 'promote', memberId })
  expect(await listed(endpoints)).toEqual([
    first,
    { id: memberId, name: 'm2', peerUrls: [peerUrl], isLearner: false },
  ])
  await expect(changeMembers(endpoints, { kind: 'promote', memberId })).rejects.toThrow(
    /were not changed .*can only promote a learner/,
  )

  await untilDone(etcd.endpoints, { kind: 'remove', memberId })
  expect(await listed(etcd.endpoints)).toEqual([first])
})

test('without a quorum nothing is changed, and the error says what each of them said', async () => {
  await using etcd = await Etcd.start({ members: 3 })
  const members = await listed(etcd.endpoints)
  await Promise.all(etcd.members.slice(1).map(member => member.kill()))
  expect((await observeEtcd(etcd.endpoints)).kind).toBe('unreachable')
  const change = { kind: 'remove', memberId: members[2]?.id ?? '' } as const
  await expect(changeMembers(etcd.endpoints, change)).rejects.toThrow(/were not changed .*127\.0\.0\.1/)
})
