import { expect, test } from 'vitest'
import { GroupCommit } from '../../../broker/log/group-commit.ts'
import { deferred, type Deferred } from '../../../runtime/deferred.ts'

function aCommit(): { commit: GroupCommit; acts: Deferred<void>[] } {
  const acts: Deferred<void>[] = []
  const commit = new GroupCommit(() => {
    const act = deferred<void>()
    acts.push(act)
    return act.promise
  })
  return { commit, acts }
}

test('those who come while one is under way share the next', async () => {
  const { commit, acts } = aCommit()
  const first = commit.run()
  const second = commit.run()
  const third = commit.run()
  expect(acts.length).toBe(1)
  acts[0]!.resolve()
  await first
  await Promise.resolve()
  expect(acts.length).toBe(2)
  acts[1]!.resolve()
  await Promise.all([second, third])
  expect(commit.isRunning).toBe(false)
})

test('a failure is told to those who asked for that one', async () => {
  const { commit, acts } = aCommit()
  const first = commit.run()
  const second = commit.run()
  acts[0]!.reject(new Error('broken'))
  await expect(first).rejects.toThrow('broken')
  await new Promise(resolve => setImmediate(resolve))
  acts[1]!.resolve()
  await expect(second).resolves.toBeUndefined()
})

test('one at a time, whenever they come', async () => {
  let running = 0
  let most = 0
  const commit = new GroupCommit(async () => {
    most = Math.max(most, ++running)
    await new Promise(resolve => setImmediate(resolve))
    running--
  })
  const all: Promise<void>[] = []
  for (let round = 0; round < 20; round++) {
    all.push(commit.run(), commit.run())
    if (round % 3 === 0) await new Promise(resolve => setImmediate(resolve))
  }
  await Promise.all(all)
  expect(most).toBe(1)
})
