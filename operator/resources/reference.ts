/** The page that tells every field of the resources, made from their schemas. Pure. */
import { kinds } from './custom-resources.ts'
import type { JsonSchema } from './json-schema.ts'

/** Markdown. */
export function referencePage(): string {
  const sections = kinds.map(({ kind, shortName, description, schema }) => {
    const { spec, status } = schema.properties ?? {}
    return [
      `## ${kind}`,
      '',
      `${description} Short name \`${shortName}\`, category \`barnabas\`.`,
      '',
      table('spec', spec),
      '',
      `### What the operator tells: status of a ${kind}`,
      '',
      table('status', status),
    ].join('\n')
  })
  return [
    '# crds',
    '',
    'The CustomResourceDefinitions of `barnabas.dev/v1`, and what their fields mean. Everything here is made from',
    '`operator/resources` by `npm run generate`; a test fails when they differ. Never edit it by hand.',
    '',
    '`kubectl explain clusters.barnabas.dev.spec` tells the same. [CONDITIONS.md](CONDITIONS.md) tells what `status.conditions` may say.',
    '',
    ...sections,
    '',
  ].join('\n')
}

function table(name: string, schema: JsonSchema | undefined): string {
  return ['| field | may be | unset | |', '|---|---|---|---|', ...rows(name, schema)].join('\n')
}

function rows(path: string, schema: JsonSchema | undefined): string[] {
  return Object.entries(schema?.properties ?? {}).flatMap(([name, child]) => {
    const at = `${path}.${name}`
    const row = `| \`${at}\` | ${typeText(child)} | ${unsetText(child, schema, name)} | ${escape(child.description ?? '')} |`
    const inner = child.type === 'array' ? child.items : child
    if (inner?.externalDocs !== undefined) return [row]
    return [row, ...rows(child.type === 'array' ? `${at}[]` : at, inner)]
  })
}

function typeText(schema: JsonSchema): string {
  if (schema.enum !== undefined) return schema.enum.map(value => `\`${value}\``).join(' ')
  if (schema['x-kubernetes-int-or-string'] === true) return 'quantity'
  if (schema.additionalProperties !== undefined) return `map, at most ${schema.maxProperties}`
  switch (schema.type) {
    case 'integer':
      return schema.minimum === undefined || schema.maximum === undefined
        ? 'number'
        : `${schema.minimum} to ${schema.maximum}`
    case 'array':
      return `list${schema.maxItems === undefined ? '' : `, at most ${schema.maxItems}`}${elsewhere(schema.items, ', ')}`
    case 'boolean':
      return '`true` `false`'
    case 'string':
      return schema.format === 'date-time' ? 'time' : 'text'
    case 'number':
    case 'object':
    case undefined:
      return elsewhere(schema)
  }
}

/** What others define is told by them. */
function elsewhere(schema: JsonSchema | undefined, separator = ''): string {
  const url = schema?.externalDocs?.url
  return url === undefined ? '' : `${separator}[as Kubernetes has it](${url})`
}

function unsetText(schema: JsonSchema, parent: JsonSchema | undefined, name: string): string {
  if (parent?.required?.includes(name) === true) return 'must be given'
  if (schema.default === undefined || isToldInside(schema)) return ''
  return `\`${JSON.stringify(schema.default)}\``
}

/** Lines of the fields inside tell the same. */
function isToldInside({ properties, default: given }: JsonSchema): boolean {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return false
  return Object.keys(given).every(name => properties?.[name]?.default !== undefined)
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}
