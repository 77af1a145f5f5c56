import { describe, expect, test } from 'vitest'
import {
  formatMetaProperties,
  parseMetaProperties,
  refuseForeignDirectory,
} from '../../../broker/log/meta-properties.ts'

const own = { clusterId: 'MkU3OEVBNTcwNTJENDM2Qg', nodeId: 7, directoryId: 'uVZvHJnXQwWWXGTDq8ZGVw' }

test('what is written is read again', () => {
  expect(parseMetaProperties(formatMetaProperties(own))).toEqual(own)
})

test("Kafka's own file is understood, comments, escapes and all", () => {
  const text = `#\n#Mon Jan 01 00:00:00 UTC 2026\ncluster.id=${own.clusterId}\ndirectory.id = ${own.directoryId}\r\nnode.id=7\nversion=1\nnote=a\\:b\n`
  expect(parseMetaProperties(text)).toEqual(own)
})

test('an older file has broker.id and no directory.id', () => {
  expect(parseMetaProperties('version=0\nbroker.id=3\n')).toEqual({ nodeId: 3 })
})

test.each([
  '',
  'cluster.id=x',
  'version=2\n',
  'version=1\nnode.id=abc\n',
  'version=1\ndirectory.id=no\n',
  '\0\0\0',
])('%j is refused with a reason', text => {
  expect(parseMetaProperties(text)).toHaveProperty('problem')
})

describe('whose directory it is', () => {
  test('a directory of its own, or of nobody yet, is taken', () => {
    expect(refuseForeignDirectory('/data', own, own)).toBeUndefined()
    expect(refuseForeignDirectory('/data', {}, own)).toBeUndefined()
  })

  test('one of another cluster or node is refused by name', () => {
    expect(refuseForeignDirectory('/data', { ...own, clusterId: 'other' }, own)).toMatch(
      /\/data belongs to cluster other/,
    )
    expect(refuseForeignDirectory('/data', { ...own, nodeId: 8 }, own)).toMatch(
      /node 8, but this broker has node.id=7/,
    )
  })
})
