import { describe, expect, test } from 'vitest'
import { formatValue, parseValue } from '../../../broker/config/parse-value.ts'
import {
  choice,
  choices,
  double,
  int,
  list,
  long,
  password,
  short,
} from '../../../broker/config/setting-types.ts'
import { boolean, string } from '../../../broker/config/setting-types.ts'

const number = int(1, 'A number.', { from: 0, to: 10 })

describe('Kafka words what is wrong', () => {
  test.each([
    [number, 'x', 'Invalid value x for configuration n: Not a number of type INT'],
    [number, '', 'Invalid value  for configuration n: Not a number of type INT'],
    [number, '1.5', 'Invalid value 1.5 for configuration n: Not a number of type INT'],
    [number, '2147483648', 'Invalid value 2147483648 for configuration n: Not a number of type INT'],
    [number, '-1', 'Invalid value -1 for configuration n: Value must be at least 0'],
    [number, '11', 'Invalid value 11 for configuration n: Value must be no more than 10'],
    [short(1, ''), '32768', 'Invalid value 32768 for configuration n: Not a number of type SHORT'],
    [
      long(1, ''),
      '9223372036854775808',
      'Invalid value 9223372036854775808 for configuration n: Not a number of type LONG',
    ],
    [double(1, ''), '1,5', 'Invalid value 1,5 for configuration n: Not a number of type DOUBLE'],
    [
      boolean(true, ''),
      'yes',
      'Invalid value yes for configuration n: Expected value to be either true or false',
    ],
    [choice(['a', 'b'], 'a', ''), 'c', 'Invalid value c for configuration n: String must be one of: a, b'],
    [
      choices(['a', 'b'], [], ''),
      'a,c',
      'Invalid value a,c for configuration n: String must be one of: a, b',
    ],
    [list([], ''), 'a,,b', "Configuration 'n' values must not be empty."],
    [string('', '', { notEmpty: true }), '', 'Invalid value  for configuration n: String must not be empty'],
  ])('%#', (setting, text, message) => {
    expect(parseValue('n', setting, text)).toEqual({ mistake: message })
  })
})

test('values are read with the spaces around them cut off', () => {
  expect(parseValue('n', number, ' 7 ')).toEqual({ mistake: undefined, value: 7 })
  expect(parseValue('n', list([], ''), ' a , b,a ')).toEqual({ mistake: undefined, value: ['a', 'b'] })
  expect(parseValue('n', boolean(false, ''), 'TRUE')).toEqual({ mistake: undefined, value: true })
  expect(parseValue('n', double(0, ''), '1.7976931348623157E308')).toEqual({
    mistake: undefined,
    value: Number.MAX_VALUE,
  })
})

test('a long that a number cannot hold is without limit', () => {
  const setting = long(0, '')
  expect(parseValue('n', setting, '9223372036854775807')).toEqual({ mistake: undefined, value: Infinity })
  expect(parseValue('n', setting, '9007199254740991')).toEqual({ mistake: undefined, value: 2 ** 53 - 1 })
})

test('a secret does not appear in what is said of it', () => {
  const setting = { ...password(''), check: () => 'Too weak' }
  expect(parseValue('n', setting, 'hunter2')).toEqual({
    mistake: 'Invalid value [hidden] for configuration n: Too weak',
  })
})

test('values are shown as Java prints them', () => {
  expect(formatValue('long', Infinity)).toBe('9223372036854775807')
  expect(formatValue('double', Number.MAX_VALUE)).toBe('1.7976931348623157E308')
  expect(formatValue('double', 0.5)).toBe('0.5')
  expect(formatValue('double', 1)).toBe('1.0')
  expect(formatValue('double', 0.0001)).toBe('1.0E-4')
  expect(formatValue('list', ['a', 'b'])).toBe('a,b')
  expect(formatValue('boolean', false)).toBe('false')
  expect(formatValue('string', null)).toBeNull()
})
