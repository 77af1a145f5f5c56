/**
 * Fields that the schema of a CustomResourceDefinition does not declare. Server-side apply refuses a whole object for one
 * of them, so that an operator beside older definitions could not write any status.
 */
export interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
}

/** `value` without them, at every depth. */
export function declaredFields(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema
    return items === undefined ? value : value.map(item => declaredFields(items, item))
  }
  if (typeof value !== 'object' || value === null) return value
  const rest = schema.additionalProperties
  if (schema['x-kubernetes-preserve-unknown-fields'] === true || rest === true) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, field]) => {
      const declared = schema.properties?.[name] ?? (typeof rest === 'object' ? rest : undefined)
      return declared === undefined ? [] : [[name, declaredFields(declared, field)]]
    }),
  )
}
