import { expect, test } from 'vitest'
import { LimitedLog } from '../../../broker/network/limited-log.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { recordingLogger } from '../../support/recording-logger.ts'

test('lines beyond the limit are left out, and their number is told in the next period', () => {
  const clock = new FakeClock()
  const { logger, lines } = recordingLogger()
  const log = new LimitedLog(logger, clock, 3)
  for (let i = 0; i < 10; i++) log.info({ i }, 'Something happened.')
  expect(lines).toHaveLength(3)
  clock.advance(10_000)
  log.info({}, 'Something happened.')
  log.info({}, 'Something happened.')
  expect(lines.map(line => line['leftOut'])).toEqual([undefined, undefined, undefined, 7, undefined])
})
