/** What may be told is typed by the page; here that no page is longer than what is told. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  clusterReasons,
  conditionsPage,
  clusterConditions,
  topicConditions,
  topicReasons,
} from '../../../operator/resources/condition-reasons.ts'

const directory = join(import.meta.dirname, '../../../operator/reconcile')
const sources = readdirSync(directory).map(name => readFileSync(join(directory, name), 'utf8'))
const told = sources.filter(text => text.includes('condition-reasons.ts')).join('\n')

const declared = { ...clusterReasons, ...topicReasons }
const types = { ...clusterConditions, ...topicConditions }

/** Put together from what people are to do. */
const composed = ['ApprovalNeeded', 'DeletionNeeded']

test('every reason that the code gives is on the page', () => {
  const given = [...told.matchAll(/\breason: '(\w+)'/g)].map(([, reason = '']) => reason)
  expect(new Set(given).size).toBeGreaterThan(30)
  expect(given.filter(reason => !Object.hasOwn(declared, reason))).toEqual([])
})

test('every reason and type on the page is one that the code gives', () => {
  const words = [...Object.keys(declared), ...Object.keys(types)].filter(word => !composed.includes(word))
  expect(words.filter(word => !told.includes(`'${word}'`))).toEqual([])
})

test('the page has a sentence for each', () => {
  const page = conditionsPage()
  for (const [word, sentence] of Object.entries({ ...declared, ...types })) {
    expect(page).toContain(`| \`${word}\` | `)
    expect(sentence).toMatch(/^[A-Zs].*\.$/)
  }
})
