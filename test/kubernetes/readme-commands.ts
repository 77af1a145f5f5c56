/** The shell blocks of README.md's section "On Kubernetes", taken apart into commands: what a reader types, in order. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryRoot } from '../targets/kafka-jars.ts'

/** A paragraph that begins with a word in bold, and the blocks below it. */
export interface ReadmePart {
  readonly title: string
  /** As they stand there: continued lines, here-documents and comments at their ends included. */
  readonly commands: readonly string[]
}

/** Parts without a command are left out. */
export function kubernetesParts(): readonly ReadmePart[] {
  const readme = readFileSync(join(repositoryRoot, 'README.md'), 'utf8')
  const section = /^## On Kubernetes\n(.*?)^## /ms.exec(readme)?.[1]
  if (section === undefined)
    throw new Error('README.md has no section "On Kubernetes" with another after it.')
  return section
    .split(/^(?=\*\*\w)/m)
    .map(part => ({
      title: /^\*\*([\w ]+)\.\*\*/.exec(part)?.[1] ?? 'Beginning',
      commands: [...part.matchAll(/^```\w*\n(.*?)^```$/gms)].flatMap(([, block = '']) => commandsOf(block)),
    }))
    .filter(({ commands }) => commands.length > 0)
}

/** A line with those that it is continued on, and with the document that it begins. */
function commandsOf(block: string): readonly string[] {
  const commands: string[] = []
  let begun = ''
  let documentEnd: string | undefined
  for (const line of block.split('\n')) {
    begun += begun === '' ? line : `\n${line}`
    const isContinued = documentEnd === undefined ? line.endsWith('\\') : line !== documentEnd
    if (isContinued) continue
    documentEnd = documentEnd === undefined ? /<<'(\w+)'$/.exec(line)?.[1] : undefined
    if (documentEnd !== undefined) continue
    if (/^\s*[^\s#]/.test(begun)) commands.push(begun)
    begun = ''
  }
  return commands
}
