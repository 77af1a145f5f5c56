import { expect, test } from 'vitest'
import { ApiError } from '../../operator/kube/api-error.ts'
import type { ApiServer } from '../../operator/kube/api-server.ts'
import { prepareUninstall } from '../../operator/prepare-uninstall.ts'
import { topicFinalizer } from '../../operator/reconcile/reconcile-topic.ts'
import { FakeClock } from '../support/fake-clock.ts'

const held = {
  apiVersion: 'barnabas.dev/v1',
  kind: 'Topic',
  metadata: {
    name: 'orders',
    namespace: 'shop',
    resourceVersion: '7',
    finalizers: ['other.example/mine', topicFinalizer],
  },
}

/** Answers lists by namespace; a namespace that is not named may not be looked into. */
async function prepare(
  topics: Readonly<Record<string, readonly object[]>>,
  watchedNamespaces: readonly string[],
  finalizers: 'Release' | 'Refuse' = 'Release',
) {
  const said: string[] = []
  const patched: unknown[] = []
  const api = {
    list: (ref: { kind: string }, { namespace }: { namespace?: string } = {}) => {
      if (ref.kind === 'Pod') return Promise.resolve({ items: [], resourceVersion: '1' })
      const items = topics[namespace ?? '']
      return items === undefined
        ? Promise.reject(new ApiError('topics is forbidden', { status: 403, reason: 'Forbidden' }))
        : Promise.resolve({ items, resourceVersion: '1' })
    },
    mergePatch: (ref: { kind: string }, patch: unknown) => {
      patched.push({ kind: ref.kind, patch })
      return Promise.resolve({})
    },
  } as unknown as Pick<ApiServer, 'get' | 'list' | 'mergePatch'>
  const mayGo = await prepareUninstall({
    api,
    clock: new FakeClock(),
    say: sentence => said.push(sentence),
    namespace: 'barnabas-system',
    deployment: 'barnabas',
    watchedNamespaces,
    finalizers,
  })
  return { mayGo, said, patched }
}

test('Topics are let go, and finalizers of others stay', async () => {
  const { mayGo, patched } = await prepare({ shop: [held] }, ['shop'])
  expect(mayGo).toBe(true)
  expect(patched).toEqual([
    { kind: 'Deployment', patch: { spec: { replicas: 0 } } },
    { kind: 'Topic', patch: { metadata: { resourceVersion: '7', finalizers: ['other.example/mine'] } } },
  ])
})

test('where it is so wished the operator does not go while there are some', async () => {
  const { mayGo, said, patched } = await prepare({ '': [held] }, [], 'Refuse')
  expect(mayGo).toBe(false)
  expect(said.join()).toContain('shop/orders')
  expect(patched).toEqual([])
})

test('a watched namespace that was deleted, and the rights in it too, holds nothing up', async () => {
  const { mayGo, said, patched } = await prepare({ shop: [held] }, ['gone', 'shop'])
  expect(mayGo).toBe(true)
  expect(said.filter(sentence => sentence.includes('Topics in gone are left as they are'))).toHaveLength(1)
  expect(patched).toHaveLength(2)
})

test('without the right to look anywhere the uninstalling fails', async () => {
  await expect(prepare({}, [])).rejects.toThrow('forbidden')
})
