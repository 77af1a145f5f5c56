import type { AnyField, FieldTable, ProtoMessage } from '../../broker/control/proto-fields.ts'

export interface ProtoService {
  readonly package: string
  readonly service: string
  readonly methods: readonly {
    readonly name: string
    readonly request: ProtoMessage<FieldTable>
    readonly response: ProtoMessage<FieldTable>
  }[]
}

/** The .proto file that says what the declarations say. */
export function protoText({ package: name, service, methods }: ProtoService): string {
  const messages = new Map<string, ProtoMessage<FieldTable>>()
  for (const { request, response } of methods) {
    gather(request, messages)
    gather(response, messages)
  }
  return [
    '// The control service of a broker. Made from the declarations in broker/control, which say what each field means.',
    '// `error` is a code of the Kafka protocol, 0 for none; ids are 22 characters of base64url; times are milliseconds.',
    'syntax = "proto3";',
    `package ${name};`,
    '',
    `service ${service} {`,
    ...methods.map(
      method => `  rpc ${method.name}(${method.request.name}) returns (${method.response.name});`,
    ),
    '}',
    ...[...messages.values()].flatMap(message => ['', ...textOf(message)]),
    '',
  ].join('\n')
}

/** Every message once, those of fields after those that have them. */
function gather(message: ProtoMessage<FieldTable>, into: Map<string, ProtoMessage<FieldTable>>): void {
  const known = into.get(message.name)
  if (known !== undefined && known !== message && textOf(known).join() !== textOf(message).join())
    throw new Error(`Two messages are called ${message.name}.`)
  if (known !== undefined) return
  into.set(message.name, message)
  for (const { type } of Object.values(message.fields)) {
    if (type.message !== undefined) gather(type.message, into)
  }
}

function textOf({ name, fields }: ProtoMessage<FieldTable>): string[] {
  const lines = [`message ${name} {`]
  const groups = new Set<string>()
  for (const [fieldName, field] of Object.entries(fields)) {
    const { oneOf } = field
    if (oneOf === undefined) {
      lines.push(`  ${fieldText(fieldName, field)}`)
    } else if (!groups.has(oneOf)) {
      groups.add(oneOf)
      const members = Object.entries(fields).filter(([, other]) => other.oneOf === oneOf)
      lines.push(`  oneof ${oneOf} {`, ...members.map(member => `    ${fieldText(...member)}`), '  }')
    }
  }
  return [...lines, '}']
}

function fieldText(name: string, { label, type, number }: AnyField): string {
  const isMessage = type.message !== undefined
  const prefix = label === 'repeated' ? 'repeated ' : label === 'optional' && !isMessage ? 'optional ' : ''
  const snakeCase = name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
  return `${prefix}${type.name} ${snakeCase} = ${number};`
}
