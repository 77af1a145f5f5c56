import { describe, expect, test } from 'vitest'
import { markedFolderName, parseReplicaFolder } from '../../../broker/log/directory-names.ts'
import { seededRandom } from '../../../runtime/random.ts'

describe('folder names', () => {
  test.each([
    ['orders-3', { kind: 'live', topic: 'orders', partition: 3 }],
    ['a-b-0', { kind: 'live', topic: 'a-b', partition: 0 }],
    ['.hidden-0', { kind: 'live', topic: '.hidden', partition: 0 }],
    [
      'a.0123456789abcdef0123456789abcdef-delete-1',
      { kind: 'live', topic: 'a.0123456789abcdef0123456789abcdef-delete', partition: 1 },
    ],
    ['orders-3.0123456789abcdef0123456789abcdef-delete', { kind: 'delete', topic: 'orders', partition: 3 }],
    ['orders-3.0123456789abcdef0123456789abcdef-stray', { kind: 'stray', topic: 'orders', partition: 3 }],
    ['orders-3.0123456789abcdef0123456789abcdef-future', { kind: 'future', topic: 'orders', partition: 3 }],
  ])('%s', (name, folder) => {
    expect(parseReplicaFolder(name)).toEqual(folder)
  })

  test.each([
    'orders',
    'orders-',
    'orders-x',
    '-3',
    'orders-03',
    'or ders-3',
    '.metadata',
    'lost+found',
    '..-1',
    'a-99999999999',
  ])('%s is none of a replica', name => {
    expect(parseReplicaFolder(name)).toBeUndefined()
  })

  test('a marked name is read as what it was made for', () => {
    for (const kind of ['delete', 'stray', 'future'] as const) {
      const name = markedFolderName('orders', 3, kind, seededRandom(1))
      expect(parseReplicaFolder(name)).toEqual({ kind, topic: 'orders', partition: 3 })
    }
  })

  test('a marked name is never longer than a file system takes, and still known as what it is', () => {
    const name = markedFolderName('x'.repeat(249), 123_456, 'delete', seededRandom(1))
    expect(name).toHaveLength(255)
    expect(parseReplicaFolder(name)?.kind).toBe('delete')
  })
})
