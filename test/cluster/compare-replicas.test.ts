import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { recordBatch } from '../targets/wire.ts'
import { compareReplicas, producerAt } from './compare-replicas.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'replicas-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

describe('replicas of a partition', () => {
  it('are equal when their batches are, wherever their segments begin', () => {
    const replicas = {
      one: replica('one', { 0: [batch(0, 'a'), batch(1, 'b'), batch(2, 'c')] }),
      other: replica('other', { 0: [batch(0, 'a')], 1: [batch(1, 'b'), batch(2, 'c')] }),
    }
    expect(compareReplicas(replicas, 3)).toEqual([])
  })

  it('may differ behind the high watermark', () => {
    const replicas = {
      one: replica('one', { 0: [batch(0, 'a'), batch(1, 'b')] }),
      other: replica('other', { 0: [batch(0, 'a'), batch(1, 'x')] }),
      short: replica('short', { 0: [batch(0, 'a')] }),
    }
    expect(compareReplicas(replicas, 1)).toEqual([])
    expect(compareReplicas(replicas, 2)).toEqual([
      expect.stringContaining('one and other: they differ in the batch 1–1'),
      expect.stringContaining('the log of the latter ends at 1, below the high watermark 2'),
    ])
  })

  it('are not equal when a batch of another leader stands at the place', () => {
    const other = batch(1, 'b')
    other.writeInt32BE(7, 12)
    const replicas = {
      one: replica('one', { 0: [batch(0, 'a'), batch(1, 'b')] }),
      other: replica('other', { 0: [batch(0, 'a'), other] }),
    }
    expect(compareReplicas(replicas, 2)).toEqual([expect.stringContaining('leader epoch 7')])
  })

  it('are not equal when one begins later', () => {
    const replicas = {
      one: replica('one', { 0: [batch(0, 'a'), batch(1, 'b')] }),
      other: replica('other', { 1: [batch(1, 'b')] }),
    }
    expect(compareReplicas(replicas, 2)).toEqual([expect.stringContaining('they differ in the batch 0–0')])
  })

  it('end where a batch is not whole', () => {
    const torn = batch(1, 'b').subarray(0, 30)
    const replicas = {
      one: replica('one', { 0: [batch(0, 'a'), batch(1, 'b')] }),
      torn: replica('torn', { 0: [batch(0, 'a'), torn] }),
    }
    expect(compareReplicas(replicas, 2)).toEqual([expect.stringContaining('ends at 1')])
  })
})

it('the log says which producer a record is from, in which of its epochs', () => {
  const ofEpoch = (offset: number, epoch: number): Buffer => {
    const bytes = batch(offset, 'a')
    bytes.writeBigInt64BE(7n, 43)
    bytes.writeInt16BE(epoch, 51)
    return bytes
  }
  const log = replica('one', { 0: [ofEpoch(0, 2)], 1: [ofEpoch(1, 3)] })
  expect([producerAt(log, 0), producerAt(log, 1), producerAt(log, 2)]).toEqual(['7/2', '7/3', null])
})

function batch(baseOffset: number, value: string): Buffer {
  const bytes = recordBatch([{ value: Buffer.from(value) }], 1_000)
  bytes.writeBigInt64BE(BigInt(baseOffset), 0)
  return bytes
}

/** A partition's folder with these batches, by the base offset of the segment. */
function replica(name: string, segments: Readonly<Record<number, readonly Buffer[]>>): string {
  const directory = join(root, name)
  mkdirSync(directory)
  for (const [baseOffset, contents] of Object.entries(segments)) {
    writeFileSync(join(directory, `${baseOffset.padStart(20, '0')}.log`), Buffer.concat(contents))
  }
  return directory
}
