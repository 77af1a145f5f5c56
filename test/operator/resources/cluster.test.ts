import { expect, test } from 'vitest'
import { cluster } from '../../../operator/resources/cluster.ts'
import { notesOf } from '../../../operator/resources/field.ts'
import { childOf, fieldNames } from '../../../operator/resources/read-resource.ts'
import { topic } from '../../../operator/resources/topic.ts'

type Schema = Parameters<typeof fieldNames>[0]

/** Every field below `spec`, with its path. */
function* fieldsBelow(schema: Schema, path: string): Generator<[string, Schema]> {
  for (const name of fieldNames(schema)) {
    const child = childOf(schema, name)
    if (child === undefined) continue
    yield [`${path}.${name}`, child]
    yield* fieldsBelow(childOf(child, 0) ?? child, `${path}.${name}`)
  }
}

test.each([
  ['Cluster', cluster.shape.spec],
  ['Topic', topic.shape.spec],
] as const)('every field of a %s says what it is, and what a local run does with it', (_kind, spec) => {
  const fields = [...fieldsBelow(spec, 'spec')]
  expect(fields.length).toBeGreaterThan(10)
  for (const [path, schema] of fields) expect(notesOf(schema)?.sentence, path).toMatch(/^.{5,}\.$/)
})
