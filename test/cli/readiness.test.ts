import { expect, test } from 'vitest'
import { askReadiness, readAnswer } from '../../cli/readiness.ts'

test('recovery is told with what is left to do', () => {
  const body = JSON.stringify({
    ready: false,
    reasons: [
      {
        reason: 'RecoveringLogs',
        message: 'Logs are read again after an unclean stop.',
        details: { remainingLogs: 3, remainingSegments: 7, remainingBytes: 5_242_880 },
      },
    ],
  })
  expect(readAnswer(503, body)).toEqual({
    kind: 'unready',
    isRecovering: true,
    detail: '3 logs, 7 segments (5 MiB) to read again',
  })
})

test('other reasons are told in their own words', () => {
  const body = JSON.stringify({ reasons: [{ reason: 'Starting', message: 'The broker is starting.' }] })
  expect(readAnswer(503, body)).toEqual({
    kind: 'unready',
    isRecovering: false,
    detail: 'The broker is starting.',
  })
  expect(readAnswer(404, 'not found')).toEqual({ kind: 'unready', isRecovering: false, detail: '' })
  expect(readAnswer(200, '')).toEqual({ kind: 'ready' })
})

test('a broker that is not there is silent', async () => {
  expect(await askReadiness({ host: '127.0.0.1', port: 1 })).toEqual({ kind: 'silent' })
})
