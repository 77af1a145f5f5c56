import { describe, expect, test } from 'vitest'
import { aCompactedLog, batchesIn, compact, contentOf } from '../../support/a-compacted-log.ts'

describe('what a cleaning leaves', () => {
  test('is the last record of every key, at its own offset', async () => {
    const harness = await aCompactedLog(`
      a=1 b=1 a=2 | c=1
      a=3 b=2
    `)
    await compact(harness)
    expect(contentOf(harness.log)).toEqual(['3:c=1', '4:a=3', '5:b=2'])
  })
})
