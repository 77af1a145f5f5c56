import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { replayScript } from '../../support/consumer-group-script.ts'

const folder = new URL('../../scripts/consumer-groups/', import.meta.url)

for (const file of readdirSync(folder)) {
  test(`the conversation of ${file} goes as it is written`, () => {
    const text = readFileSync(new URL(file, folder), 'utf8')
    expect(replayScript(text)).toBe(text)
  })
}
