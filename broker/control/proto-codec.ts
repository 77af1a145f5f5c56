import {
  type AnyField,
  type FieldTable,
  lengthDelimited,
  type ProtoMessage,
  type ProtoType,
  type ValueOf,
} from './proto-fields.ts'
import { ProtoReader } from './proto-reader.ts'
import { ProtoWriter } from './proto-writer.ts'

/** Fields that the value does not have are left out. */
export function encodeProto<Fields extends FieldTable>(
  message: ProtoMessage<Fields>,
  value: ValueOf<ProtoMessage<Fields>>,
): Buffer {
  const writer = new ProtoWriter()
  writeFields(writer, message.fields, value)
  return writer.finish()
}

/** Throws MalformedMessage when the bytes are not such a message. Fields that are not declared are passed over. */
export function decodeProto<Fields extends FieldTable>(
  message: ProtoMessage<Fields>,
  bytes: Buffer,
): ValueOf<ProtoMessage<Fields>> {
  const reader = new ProtoReader(bytes, message.name)
  const gathering = new Gathering(message.fields)
  reader.fields((number, wireType) => gathering.read(reader, number, wireType))
  return gathering.finish() as ValueOf<ProtoMessage<Fields>>
}

/** A message as the type of a field. */
export function messageOf<const Fields extends FieldTable>(
  message: ProtoMessage<Fields>,
): ProtoType<ValueOf<ProtoMessage<Fields>>> {
  const { name, fields } = message
  return {
    name,
    wireType: lengthDelimited,
    default: new Gathering(fields).finish() as ValueOf<ProtoMessage<Fields>>,
    isDefault: () => false,
    write: (writer, value) => writer.nested(() => writeFields(writer, fields, value)),
    read: reader => {
      const gathering = new Gathering(fields)
      reader.nested((number, wireType) => gathering.read(reader, number, wireType))
      return gathering.finish() as ValueOf<ProtoMessage<Fields>>
    },
    message,
  }
}

function writeFields(
  writer: ProtoWriter,
  fields: FieldTable,
  value: Readonly<Record<string, unknown>>,
): void {
  for (const [name, field] of Object.entries(fields)) {
    const given = value[name]
    if (given === undefined) continue
    const { number, label, type } = field
    const elements = field.values(given as never)
    if (label === 'repeated' && type.wireType !== lengthDelimited) {
      writePacked(writer, number, type, [...elements])
      continue
    }
    for (const element of elements) {
      writer.tag(number, type.wireType)
      type.write(writer, element)
    }
  }
}

function writePacked(
  writer: ProtoWriter,
  number: number,
  type: ProtoType<unknown>,
  elements: readonly unknown[],
): void {
  if (elements.length === 0) return
  writer.tag(number, lengthDelimited)
  writer.nested(() => {
    for (const element of elements) type.write(writer, element)
  })
}

/** The values of one message's fields while they are read, in any order. */
class Gathering {
  readonly #fields: FieldTable
  readonly #values = new Map<number, unknown[]>()

  constructor(fields: FieldTable) {
    this.#fields = fields
  }

  read(reader: ProtoReader, number: number, wireType: number): boolean {
    const field = fieldByNumber(this.#fields, number)
    if (field === undefined) return false
    const { type, label } = field
    const isList = label === 'repeated' || label === 'map'
    const isPacked = label === 'repeated' && type.wireType !== lengthDelimited && wireType === lengthDelimited
    if (wireType !== type.wireType && !isPacked) reader.refuse(`field ${number} is no ${type.name}`)
    let values = this.#values.get(number)
    if (values === undefined) this.#values.set(number, (values = []))
    const readOne = (): void => {
      if (isList) reader.countElement()
      else values.length = 0
      values.push(type.read(reader))
    }
    if (isPacked) reader.packed(readOne)
    else readOne()
    return true
  }

  finish(): Record<string, unknown> {
    const message: Record<string, unknown> = {}
    for (const [name, field] of Object.entries(this.#fields)) {
      const values = this.#values.get(field.number)
      message[name] = values === undefined ? field.absent : field.gather(values)
    }
    return message
  }
}

const fieldsByNumber = new WeakMap<FieldTable, ReadonlyMap<number, AnyField>>()

function fieldByNumber(fields: FieldTable, number: number): AnyField | undefined {
  let byNumber = fieldsByNumber.get(fields)
  if (byNumber === undefined) {
    byNumber = new Map(Object.values(fields).map(field => [field.number, field]))
    fieldsByNumber.set(fields, byNumber)
  }
  return byNumber.get(number)
}
