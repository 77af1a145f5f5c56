import { expect, test } from 'vitest'
import * as z from 'zod'
import { cluster } from '../../../operator/resources/cluster.ts'
import { notesOf } from '../../../operator/resources/field.ts'
import { childOf } from '../../../operator/resources/read-resource.ts'
import { topic } from '../../../operator/resources/topic.ts'

/** Every field below `spec`, with its path. */
function* fieldsBelow(schema: z.ZodType, path: string): Generator<[string, z.ZodType]> {
  for (const name of namesOf(schema)) {
    const child = childOf(schema, name)
    if (child === undefined) continue
    yield [`${path}.${name}`, child]
    yield* fieldsBelow(childOf(child, 0) ?? child, `${path}.${name}`)
  }
}

function namesOf(schema: z.ZodType): string[] {
  let at = schema
  while (at instanceof z.ZodOptional || at instanceof z.ZodDefault || at instanceof z.ZodPrefault) {
    at = at.unwrap() as z.ZodType
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : []
}

test.each([
  ['Cluster', cluster.shape.spec],
  ['Topic', topic.shape.spec],
] as const)('every field of a %s says what it is, and what a local run does with it', (_kind, spec) => {
  const fields = [...fieldsBelow(spec, 'spec')]
  expect(fields.length).toBeGreaterThan(10)
  for (const [path, schema] of fields) expect(notesOf(schema)?.sentence, path).toMatch(/^.{5,}\.$/)
})
