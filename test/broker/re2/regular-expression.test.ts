import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileExpression, type RegularExpression } from '../../../broker/re2/regular-expression.ts'

function compiled(text: string): RegularExpression {
  const outcome = compileExpression(text)
  if (outcome.kind === 'invalid') throw new Error(`${text}: ${outcome.reason}`)
  return outcome.expression
}

function reason(text: string): string {
  const outcome = compileExpression(text)
  return outcome.kind === 'invalid' ? outcome.reason : 'compiled'
}

const cases: readonly [expression: string, matching: readonly string[], other: readonly string[]][] = [
  ['', [''], ['a']],
  ['abc', ['abc'], ['ab', 'abcd', 'xabc', 'ABC']],
  ['orders-.*', ['orders-', 'orders-eu'], ['orders', 'my-orders-eu']],
  ['^orders$', ['orders'], ['orders2']],
  ['a|b|', ['a', 'b', ''], ['ab']],
  ['(a|ab)(c|bcd)', ['ac', 'abc', 'abcd', 'abbcd'], ['ab', 'acd']],
  ['a{2}', ['aa'], ['a', 'aaa']],
  ['a{2,}', ['aa', 'aaaaa'], ['a']],
  ['a{2,3}', ['aa', 'aaa'], ['a', 'aaaa']],
  ['a{0}b', ['b'], ['ab']],
  ['a{,2}', ['a{,2}'], ['aa']],
  ['a{', ['a{'], ['a']],
  ['x{2}{', ['xx{'], ['xx']],
  ['[a-c]+', ['abc', 'cab'], ['d', '']],
  ['[^a-c]', ['d', 'é', '😀'], ['a', 'dd']],
  ['[]a]', [']', 'a'], ['b']],
  ['[^]a]', ['b'], [']', 'a']],
  ['[a-]', ['a', '-'], ['b']],
  ['[-a]', ['a', '-'], ['b']],
  ['[a-c-e]', ['b', '-', 'e'], ['d']],
  ['[[:alpha:]_]+', ['ab_C'], ['a1']],
  ['[[:^digit:]]', ['a'], ['1']],
  ['[\\d\\-x]+', ['12-x'], ['y']],
  ['\\d+\\.\\d+', ['1.2'], ['1x2', '1.']],
  ['\\w\\W\\s\\S', ['a- b'], ['ab b']],
  ['\\s', [' ', '\t'], ['\v']],
  ['[[:space:]]', ['\v', ' '], ['a']],
  ['.', ['a', '😀'], ['\n', '']],
  ['(?s).', ['\n'], ['']],
  ['(?i)Straße', ['STRAßE', 'straße'], ['strasse']],
  ['(?i)k', ['k', 'K', '\u212a'], ['l']],
  ['(?i)[^k]', ['l'], ['k', 'K', '\u212a']],
  ['(?i:a)b', ['Ab', 'ab'], ['aB']],
  ['(?i)a(?-i)b', ['Ab'], ['aB']],
  ['((?i)a)b', ['Ab'], ['AB']],
  ['a(?i)b|c', ['aB', 'C'], ['AB']],
  ['(?m)a$\\n^b', ['a\nb'], ['ab']],
  ['a$\\nb', [], ['a\nb']],
  ['\\Aab\\z', ['ab'], ['ab\n']],
  ['\\ba+\\b', ['aaa'], ['']],
  ['a\\b-', ['a-'], ['a']],
  ['a\\Bb', ['ab'], ['a-b']],
  ['\\B', [''], ['a']],
  ['\\Qa.b\\E+', ['a.b', 'a.bbb'], ['axb', 'a.ba.b']],
  ['\\Q*+', ['*+'], ['**']],
  ['\\x41\\x{1F600}\\101\\t', ['A😀A\t'], ['A']],
  ['\\p{Greek}+', ['αβγ'], ['abc']],
  ['\\pL\\PL', ['a1', 'é!'], ['11']],
  ['\\p{^Lu}', ['a'], ['A']],
  ['\\P{^Lu}', ['A'], ['a']],
  ['[\\p{Lu}\\p{Nd}]+', ['A1Ж'], ['a']],
  ['(?i)\\p{Lu}', ['a', 'A'], ['1']],
  ['\\p{Yi}|\\p{Thai}', ['ก'], ['a']],
  ['(?P<name>a)(?<other>b)', ['ab'], ['a']],
  ['(?:a*)*', ['', 'aaa'], ['b']],
  ['(a*)+b', ['b', 'aab'], ['a']],
  ['(a|b)*?c', ['ababc'], ['abab']],
  ['(?U)a+', ['aa'], ['']],
  ['^*a', ['a'], ['^a']],
  ['(|a)*', ['', 'aa'], ['b']],
  ['(^|-)a($|-)', ['a', '-a-', 'a-'], ['-a-a']],
]

test.for(cases)('%s matches what RE2 matches', ([expression, matching, other]) => {
  const it = compiled(expression)
  for (const subject of matching)
    expect.soft(it.matches(subject), `${JSON.stringify(subject)} matches`).toBe(true)
  for (const subject of other)
    expect.soft(it.matches(subject), `${JSON.stringify(subject)} does not`).toBe(false)
})

test.for([
  '(',
  ')',
  'a)',
  '(a',
  '[',
  '[a',
  '[b-a]',
  '[[:foo:]]',
  '[\\d-z',
  'a-\\',
  '*',
  '+a',
  'a|*',
  '(*)',
  '(?i)*',
  'a**',
  'a+*',
  'a{2}{3}',
  'a???',
  'a{1001}',
  'a{2,1}',
  'a{1,1001}',
  '(a{500}){500}',
  '(((a{20}){20}){20})',
  '\\1',
  '\\8',
  '\\y',
  '\\Z',
  '\\C',
  '\\xg',
  '\\x{}',
  '\\x{110000}',
  '\\p{Nope}',
  '\\p{Grek}',
  '\\p',
  '\\p{Lu',
  '(?=a)',
  '(?!a)',
  '(?<=a)',
  '(?P=a)',
  '(?P<a>b)(?P<a>c)',
  '(?P<>a)',
  '(?z)',
  '(?i-)',
  '(?',
  '\\',
  '(?>a)',
])('%s is refused with a sentence', expression => {
  expect(reason(expression)).toMatch(/^.{10,} \(character \d+\)$/su)
})

test('an expression larger than the limits is refused, however it gets there', () => {
  expect(reason(`${'('.repeat(5000)}a${')'.repeat(5000)}`)).toMatch('nest deeper')
  expect(reason('a{1000}'.repeat(11))).toMatch('more than 10000 steps')
  expect(reason('a{1000}'.repeat(4000))).toMatch('more than 10000 steps')
  expect(reason('x'.repeat(40_000))).toMatch('40000 characters')
  expect(reason('(){1000}'.repeat(4000))).toBe('compiled')
})

test.for([
  ['(a*)*b', 'a'],
  ['(a|aa)+$x', 'a'],
  ['(a|a?)+b', 'a'],
  ['(.*)*(.*)*(.*)*x', 'a'],
  ['(?:a?){1000}a{1000}b', 'a'],
  ['((a{10}){10}){10}b', 'a'],
  ['(a|b)*a(a|b){200}c', 'ab'],
  ['(?i)(\\w+\\s?)*!', 'Ab'],
  ['(é|e|.)*?z', 'é'],
])('%s takes no more than linear time', ([expression, piece]) => {
  const it = compiled(expression!)
  const subject = piece!.repeat(2000)
  const startedMs = performance.now()
  expect(it.matches(subject)).toBe(false)
  // Backtracking would need longer than the universe lasts.
  expect(performance.now() - startedMs).toBeLessThan(5000)
})

test('what is remembered between texts stays bounded and right', () => {
  const it = compiled('(a|b)*a(a|b){12}')
  const own = /^(a|b)*a(a|b){12}$/
  fc.assert(
    fc.property(fc.stringMatching(/^[ab]{0,200}$/), subject => it.matches(subject) === own.test(subject)),
    { numRuns: 200 },
  )
})

/** Expressions that mean the same to RE2 and to JavaScript. */
const sharedExpression: fc.Arbitrary<string> = fc.letrec<{ expression: string }>(tie => ({
  expression: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(
      'a',
      'b',
      'c',
      '-',
      '.',
      '\\.',
      '\\d',
      '\\w',
      '\\W',
      '[a-c]',
      '[^a]',
      '[ab-]',
      '\\b',
      '\\B',
      '^',
      '$',
      'é',
      '😀',
    ),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `${a}${b}`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `(?:${a}|${b})`),
    tie('expression').map(a => `(?:${a})*`),
    tie('expression').map(a => `(?:${a})+`),
    tie('expression').map(a => `(${a})?`),
    fc
      .tuple(tie('expression'), fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 }))
      .map(([a, min, more]) => `(?:${a}){${min},${min + more}}`),
  ),
})).expression

test('it agrees with JavaScript about expressions that both know', () => {
  const subject = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', '-', '.', 'é', '😀'), maxLength: 7 })
  fc.assert(
    fc.property(
      sharedExpression,
      fc.array(subject, { minLength: 1, maxLength: 6 }),
      (expression, subjects) => {
        const own = new RegExp(`^(?:${expression})$`, 'u')
        const it = compiled(expression)
        for (const one of subjects) expect(it.matches(one), `${expression} on ${one}`).toBe(own.test(one))
      },
    ),
    { numRuns: 1500 },
  )
})

test('no text whatever makes it throw', () => {
  const pieces = fc.constantFrom(
    ...'()[]{}|*+?^$.\\-:<>PQEpdwbxi019,azé&=!'.split(''),
    '(?',
    '[[:',
    '\\p{',
    '{1,',
  )
  fc.assert(
    fc.property(fc.string({ unit: pieces, maxLength: 40 }), text => {
      const outcome = compileExpression(text)
      if (outcome.kind === 'compiled') outcome.expression.matches('az09-é')
    }),
    { numRuns: 3000 },
  )
})
