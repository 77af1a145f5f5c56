import { expect, test } from 'vitest'
import { isSameBrokerSetting, isSameTopicSetting } from '../../../operator/reconcile/same-setting.ts'

test('a value is the same however it is written', () => {
  expect(isSameTopicSetting('cleanup.policy', 'compact, delete', 'compact,delete')).toBe(true)
  expect(isSameTopicSetting('preallocate', 'TRUE', 'true')).toBe(true)
  expect(isSameTopicSetting('retention.ms', '5', '6')).toBe(false)
  expect(isSameBrokerSetting('log.retention.ms', ' 5', '5')).toBe(true)
  expect(isSameTopicSetting('no.such', 'a', ' a')).toBe(false)
})
