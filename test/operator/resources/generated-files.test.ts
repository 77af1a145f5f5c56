import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { generatedFiles } from '../../../operator/resources/generated-files.ts'

test.each(generatedFiles())(
  '$path is what the declarations say; if not, run `npm run generate`',
  ({ path, text }) => {
    expect(readFileSync(join(import.meta.dirname, '../../..', path), 'utf8')).toBe(text)
  },
)
