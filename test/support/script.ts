import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/**
 * Scripts: conversations with a pure machine, as text. A block is lines of input, a line `----`, and the lines that came of
 * it; blocks are parted by empty lines, `#` begins a remark. A test plays the inputs and compares the whole file; after a
 * change that is meant, `vitest -u` writes the outputs anew, to be read before they are believed.
 */

/** Answers the output of one line of input. One player plays one file from top to bottom. */
export type Player = (line: string) => readonly string[]

/** A test for each script in `test/scripts/<folder>` whose name begins with `prefix`; the first remark names it. */
export function testScripts(folder: string, prefix: string, newPlayer: () => Player): void {
  const directory = join(import.meta.dirname, '..', 'scripts', folder)
  const names = readdirSync(directory).filter(name => name.startsWith(prefix) && name.endsWith('.txt'))
  for (const name of names) {
    const path = join(directory, name)
    const text = readFileSync(path, 'utf8')
    const title = /^# (.+)$/m.exec(text)?.[1] ?? name
    test(`${title} (${name})`, () => expect(play(text, newPlayer())).toMatchFileSnapshot(path))
  }
  test(`there are scripts that begin with ${prefix}`, () => expect(names).not.toEqual([]))
}

function play(text: string, player: Player): string {
  const played = text
    .trim()
    .split(/\n{2,}/)
    .map(block => {
      const inputs = block.split(/^----$/m)[0]?.trimEnd() ?? ''
      if (!block.includes('----') && inputs.split('\n').every(line => line.startsWith('#'))) return inputs
      const outputs = inputs
        .split('\n')
        .filter(line => line !== '' && !line.startsWith('#'))
        .flatMap(line => player(line))
      return [inputs, '----', ...outputs].join('\n')
    })
  return `${played.join('\n\n')}\n`
}

/** `word word name=value name=value`. */
export function parseLine(line: string): {
  readonly words: readonly string[]
  readonly named: ReadonlyMap<string, string>
} {
  const words: string[] = []
  const named = new Map<string, string>()
  for (const part of line.trim().split(/\s+/)) {
    const at = part.indexOf('=')
    if (at > 0) named.set(part.slice(0, at), part.slice(at + 1))
    else words.push(part)
  }
  return { words, named }
}
