import { describe, expect, test } from 'vitest'
import { ForeignDirectory, prepareDirectory } from '../../../broker/log/prepare-directory.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { FakeDisk } from '../../support/fake-disk.ts'
import { recordingLogger } from '../../support/recording-logger.ts'

const path = '/data'

function prepare(disk: FakeDisk, own: { clusterId?: string; nodeId?: number } = {}, logger = silentLogger) {
  return prepareDirectory({
    path,
    clusterId: 'cluster-a',
    nodeId: 1,
    random: seededRandom(1),
    ...own,
    disk,
    logger,
  })
}

describe('whose directory it is', () => {
  test('a new one is made, and gets an id that stays', () => {
    const disk = new FakeDisk()
    const first = prepare(disk)
    disk.kill()
    expect(prepare(disk).id).toBe(first.id)
    expect(disk.peek('/data/meta.properties').toString()).toBe(
      `cluster.id=cluster-a\ndirectory.id=${first.id}\nnode.id=1\nversion=1\n`,
    )
  })

  test('one of another cluster or node is refused, unlocked and unchanged', () => {
    const disk = new FakeDisk()
    const { lock } = prepare(disk)
    lock.release()
    const before = disk.peek('/data/meta.properties')
    disk.poke('/data/.kafka_cleanshutdown', Buffer.from('{}'))
    expect(() => prepare(disk, { clusterId: 'cluster-b' })).toThrow(ForeignDirectory)
    expect(() => prepare(disk, { nodeId: 2 })).toThrow(/node 1, but this broker has node.id=2/)
    expect(disk.peek('/data/meta.properties')).toEqual(before)
    expect(prepare(disk).cleanStopEpoch).toBe(-1)
  })

  test('one that cannot be understood is refused', () => {
    const disk = new FakeDisk()
    disk.makeDirectory(path)
    disk.poke('/data/meta.properties', Buffer.from('version=9\n'))
    expect(() => prepare(disk)).toThrow(/meta.properties cannot be used: it has version=9/)
  })

  test("Kafka's directory is taken over, id and all", () => {
    const disk = new FakeDisk()
    disk.makeDirectory(path)
    disk.poke(
      '/data/meta.properties',
      Buffer.from('version=1\nnode.id=1\ndirectory.id=uVZvHJnXQwWWXGTDq8ZGVw\ncluster.id=cluster-a\n'),
    )
    expect(prepare(disk).id).toBe('uVZvHJnXQwWWXGTDq8ZGVw')
  })

  test('a second broker is refused while the first lives', () => {
    const disk = new FakeDisk()
    prepare(disk)
    expect(() => prepare(disk)).toThrow(/The log directory \/data is in use/)
    disk.kill()
    prepare(disk)
  })
})

describe('a clean stop', () => {
  test('is believed once', () => {
    const disk = new FakeDisk()
    disk.makeDirectory(path)
    disk.poke('/data/.kafka_cleanshutdown', Buffer.from('{"version":0,"brokerEpoch":42}'))
    disk.poke('/data/.log-ends', Buffer.from('0\n1\nt-0 5 0 100\n'))
    disk.poke('/data/recovery-point-offset-checkpoint', Buffer.from('0\n1\nt 0 5\n'))
    const found = prepare(disk)
    expect(found).toMatchObject({ cleanStopEpoch: 42, hasRecoveryPoints: true })
    expect(found.logEnds.get('t-0')).toEqual({ endOffset: 5, segmentBase: 0, segmentBytes: 100 })
    disk.cutPower()
    const again = prepare(disk)
    expect(again.cleanStopEpoch).toBeUndefined()
    expect(again.logEnds.size).toBe(0)
  })
})

describe('what stands in it', () => {
  test('replicas of every kind are found, foreign things are named once and left alone', () => {
    const disk = new FakeDisk()
    const hex = '0123456789abcdef0123456789abcdef'
    for (const name of [
      'a-0',
      'b-b-12',
      `a-1.${hex}-delete`,
      `a-2.${hex}-stray`,
      `a-3.${hex}-future`,
      'notes',
      '.metadata',
      'lost+found',
      '__cluster_metadata-0',
    ]) {
      disk.makeDirectory(`${path}/${name}`)
    }
    disk.poke('/data/a-9', Buffer.from('a file, not a folder'))
    disk.poke('/data/recovery-point-offset-checkpoint.tmp', Buffer.alloc(0))
    const { logger, lines } = recordingLogger()
    const { folders } = prepare(disk, {}, logger)
    expect(folders.map(({ kind, topic, partition }) => `${kind} ${topic} ${partition}`).sort()).toEqual([
      'delete a 1',
      'future a 3',
      'live a 0',
      'live b-b 12',
      'stray a 2',
    ])
    expect(lines).toMatchObject([{ level: 'warn', names: ['a-9', 'notes'], count: 2 }])
  })

  test('a damaged checkpoint is told and not used', () => {
    const disk = new FakeDisk()
    disk.makeDirectory(path)
    disk.poke('/data/replication-offset-checkpoint', Buffer.from('0\n1\nt 0 5\n'))
    disk.poke('/data/recovery-point-offset-checkpoint', Buffer.from('0\n3\nt 0 5\n'))
    const { logger, lines } = recordingLogger()
    const found = prepare(disk, {}, logger)
    expect(found.checkpoints.highWatermark.get('t-0')).toBe(5)
    expect(found.checkpoints.recoveryPoint.size).toBe(0)
    expect(found.hasRecoveryPoints).toBe(false)
    expect(lines).toMatchObject([{ level: 'warn', file: '/data/recovery-point-offset-checkpoint' }])
  })

  test('an empty checkpoint, as Kafka makes it, says nothing', () => {
    const disk = new FakeDisk()
    disk.makeDirectory(path)
    disk.poke('/data/recovery-point-offset-checkpoint', Buffer.alloc(0))
    const { logger, lines } = recordingLogger()
    expect(prepare(disk, {}, logger)).toMatchObject({ hasRecoveryPoints: false })
    expect(lines).toEqual([])
  })

  test('a disk that fails lets go of the lock', () => {
    const disk = new FakeDisk()
    const mend = disk.fail('readDirectory')
    expect(() => prepare(disk)).toThrow(/EIO/)
    mend()
    prepare(disk)
  })
})
