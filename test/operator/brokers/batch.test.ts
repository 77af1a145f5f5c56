import { expect, test } from 'vitest'
import { Batch } from '../../../operator/brokers/batch.ts'
import { deferred } from '../../../runtime/deferred.ts'

test('what comes while a question is on its way goes together in the next, equal ones apart', async () => {
  const rounds: (readonly string[])[] = []
  const first = deferred<void>()
  const batch = new Batch<string, string>(
    async items => {
      rounds.push(items)
      if (rounds.length === 1) await first.promise
      return items.map(item => item.toUpperCase())
    },
    { keyOf: item => item, most: 3 },
  )
  const answers = Promise.all(['a', 'b', 'c', 'b', 'd', 'e'].map(item => batch.ask(item)))
  first.resolve()
  expect(await answers).toEqual(['A', 'B', 'C', 'B', 'D', 'E'])
  expect(rounds).toEqual([['a'], ['b', 'c', 'd'], ['b', 'e']])
})

test('a round that fails fails for all of it, and the next goes on', async () => {
  let fails = true
  const batch = new Batch<number, number>(
    items => (fails ? Promise.reject(new Error('no')) : Promise.resolve(items)),
    { keyOf: String, most: 10 },
  )
  await expect(batch.ask(1)).rejects.toThrow('no')
  fails = false
  expect(await batch.ask(2)).toBe(2)
})
