/** What a local run (`barnabas up`) cannot do of what a manifest asks for. Pure. */
import { isDeepStrictEqual } from 'node:util'
import type * as z from 'zod'
import { cluster } from './cluster.ts'
import { notesOf } from './field.ts'
import { childOf, formatPath, type Path } from './read-resource.ts'
import { topic } from './topic.ts'

export interface NotHonoured {
  readonly path: Path
  /** A whole sentence. */
  readonly sentence: string
  /** Going on without it would not be safe. */
  readonly refused: boolean
}

/** Looks at what was written, not at defaults: nobody wants to be told of what they did not ask for. */
export function notHonouredLocally(kind: 'Cluster' | 'Topic', raw: unknown): readonly NotHonoured[] {
  const found: NotHonoured[] = []
  walk(kind === 'Cluster' ? cluster : topic, raw, [], found)
  return found
}

function walk(schema: z.ZodType, value: unknown, path: Path, found: NotHonoured[]): void {
  if (value === undefined || value === null) return
  const notes = notesOf(schema)
  const name = formatPath(path)
  switch (notes?.local) {
    case 'kubernetes':
      if (!isDefault(schema, value)) {
        found.push({
          path,
          sentence: `${name} has no effect here; only a cluster on Kubernetes has it.`,
          refused: false,
        })
      }
      return
    case 'later':
      found.push({
        path,
        sentence: `${name} has no effect here yet; a later version will honour it.`,
        refused: false,
      })
      return
    case 'refused':
      if (!isDefault(schema, value)) {
        found.push({
          path,
          sentence: `${name} cannot be honoured by this version, and running without it would not be safe; remove it.`,
          refused: true,
        })
      }
      return
    case 'honoured':
    case undefined:
      for (const [key, child] of childrenOf(value)) {
        const inner = childOf(schema, key)
        if (inner !== undefined) walk(inner, child, [...path, key], found)
      }
  }
}

function childrenOf(value: unknown): (readonly [string | number, unknown])[] {
  if (Array.isArray(value)) return value.map((child, index) => [index, child] as const)
  return typeof value === 'object' && value !== null ? Object.entries(value) : []
}

/** What is written is what holds anyway: nothing to tell. */
function isDefault(schema: z.ZodType, value: unknown): boolean {
  const unwritten = schema.safeParse(undefined)
  const written = schema.safeParse(value)
  return unwritten.success && written.success && isDeepStrictEqual(unwritten.data, written.data)
}
