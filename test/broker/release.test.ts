import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { release } from '../../broker/release.ts'

test('the release is the one of the package', () => {
  const file = join(import.meta.dirname, '../../broker/package.json')
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
  expect(release).toBe(version)
})
