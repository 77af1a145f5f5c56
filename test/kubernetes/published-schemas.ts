/** Whether what we declare of a shape of Kubernetes is what the API server publishes of it. Pure. */

export interface PublishedSchema {
  readonly $ref?: string
  readonly allOf?: readonly PublishedSchema[]
  readonly type?: string
  readonly enum?: readonly string[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, PublishedSchema>>
  readonly additionalProperties?: PublishedSchema
  readonly items?: PublishedSchema
  readonly description?: string
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-list-type'?: string
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly 'x-kubernetes-map-type'?: string
}

export type PublishedSchemas = Readonly<Record<string, PublishedSchema>>

/** One sentence for each place where they differ, at every depth. */
export function* differencesOf(
  ours: PublishedSchema | undefined,
  published: PublishedSchema,
  all: PublishedSchemas,
  path: string,
): Generator<string> {
  const name = refOf(published)
  const theirs = name === undefined ? published : all[name]
  if (theirs === undefined) throw new Error(`Kubernetes publishes no ${name}, which ${path} is.`)
  if (ours === undefined) {
    yield `${path} is not declared`
    return
  }
  if (name?.endsWith('.Quantity') === true) {
    if (ours['x-kubernetes-int-or-string'] !== true) yield `${path} is no quantity`
    return
  }
  yield* differencesHere(ours, theirs, path)
  for (const property of Object.keys({ ...ours.properties, ...theirs.properties })) {
    const at = `${path}.${property}`
    const inner = theirs.properties?.[property]
    if (inner === undefined) yield `${at} is not in Kubernetes`
    else yield* differencesOf(ours.properties?.[property], inner, all, at)
  }
  if (theirs.items !== undefined) yield* differencesOf(ours.items, theirs.items, all, `${path}[]`)
  if (theirs.additionalProperties !== undefined)
    yield* differencesOf(ours.additionalProperties, theirs.additionalProperties, all, `${path}.*`)
}

/** Values that are left out may be written as empty texts in some places, which nobody publishes. */
function* differencesHere(ours: PublishedSchema, theirs: PublishedSchema, path: string): Generator<string> {
  const compared = {
    type: [ours.type, theirs.type],
    required: [sorted(ours.required), sorted(theirs.required)],
    'x-kubernetes-map-type': [ours['x-kubernetes-map-type'], theirs['x-kubernetes-map-type']],
    ...(theirs.enum === undefined
      ? {}
      : { enum: [sorted(ours.enum?.filter(value => value !== '')), sorted(theirs.enum)] }),
    ...(theirs.type === 'array'
      ? {
          'x-kubernetes-list-type': [
            ours['x-kubernetes-list-type'],
            theirs['x-kubernetes-list-type'] ?? 'atomic',
          ],
          'x-kubernetes-list-map-keys': [
            sorted(ours['x-kubernetes-list-map-keys']),
            sorted(theirs['x-kubernetes-list-map-keys']),
          ],
        }
      : {}),
  }
  for (const [what, [own, other]] of Object.entries(compared))
    if (own !== other) yield `${path} has ${what} ${own}, and in Kubernetes ${other}`
}

function refOf({ $ref, allOf }: PublishedSchema): string | undefined {
  return ($ref ?? allOf?.[0]?.$ref)?.replace('#/components/schemas/', '')
}

function sorted(values: readonly string[] | undefined): string {
  return values === undefined || values.length === 0 ? 'none' : [...values].sort().join(' ')
}
