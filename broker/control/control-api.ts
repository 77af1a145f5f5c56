import { assert } from '../../runtime/assert.ts'
import {
  type CommandName,
  type CommandOf,
  commandNames,
  type ResultOf,
} from '../controller/controller-commands.ts'
import { type CommandBody, commandMessages } from './command-messages.ts'
import { decodeProto, encodeProto, messageOf } from './proto-codec.ts'
import {
  type AnyField,
  field,
  type FieldTable,
  int32,
  int64,
  type ProtoMessage,
  protoMessage,
  text,
} from './proto-fields.ts'

/** The methods of the service and what travels in them: control.proto, in the language of this program. */

export { restartRefusals } from './broker-messages.ts'

export const controlPackage = 'barnabas.control.v1'
export const controlService = 'Control'

export interface ControlMethod {
  readonly name: string
  readonly request: ProtoMessage<FieldTable>
  readonly response: ProtoMessage<FieldTable>
}

/** `/package.Service/Method` */
export function pathOf(method: string): string {
  return `/${controlPackage}.${controlService}/${method}`
}

/** Told beside every command. */
const caller = messageOf(
  protoMessage('Caller', {
    /** The client that caused the command, as `User:name`; empty: the broker that sends it, or a tool. */
    principal: field(1, text),
    /**
     * The controller's epoch as the sender knows it: a broker that is not the controller in this epoch does nothing.
     * 0: the broker that is asked passes the command on to whoever is the controller.
     */
    controllerEpoch: field(2, int64),
    /** How long the sender waits; 0: as long as the call's deadline, at most a minute. */
    timeoutMs: field(3, int32),
  }),
)

export interface Caller {
  readonly principal: string
  readonly controllerEpoch: number
  readonly timeoutMs: number
}

/** Methods that carry commands of the controller. */
export const commandMethods: ReadonlyMap<string, ControlMethod> = new Map(
  [...new Set(commandNames.map(name => commandMessages[name].method))].map(method => {
    const names = commandNames.filter(name => commandMessages[name].method === method)
    const commands: Record<string, AnyField> = {}
    const results: Record<string, AnyField> = {}
    for (const name of names) {
      commands[name] = commandMessages[name].command
      results[name] = commandMessages[name].result
    }
    return [
      method,
      {
        name: method,
        request: protoMessage(`${method}Request`, { caller: field(1, caller), ...commands }),
        response: protoMessage(`${method}Response`, { revision: field(1, int64), ...results }),
      },
    ]
  }),
)

export function encodeCommand<Name extends CommandName>(
  name: Name,
  command: CommandOf<Name>,
  told: Caller,
): Buffer {
  return encodeProto(messageFor(name, 'request'), { caller: told, [name]: command })
}

export interface ReceivedCommand<Name extends CommandName = CommandName> {
  readonly name: Name
  readonly body: CommandBody<Name>
  readonly caller: Caller
}

/** Undefined when there is no command in it that this release knows. Throws MalformedMessage. */
export function decodeCommand(method: ControlMethod, bytes: Buffer): ReceivedCommand | undefined {
  const { caller: told, ...commands } = decodeProto(method.request, bytes)
  const [given, ...others] = Object.entries(commands).filter(([, body]) => body !== null)
  if (given === undefined || others.length > 0) return undefined
  return { name: given[0] as CommandName, body: given[1] as CommandBody<CommandName>, caller: told as Caller }
}

/** `revision`: that of the controller's image when it answered. */
export interface CommandAnswer<Name extends CommandName> {
  readonly revision: number
  readonly result: ResultOf<Name>
}

export function encodeAnswer<Name extends CommandName>(name: Name, answer: CommandAnswer<Name>): Buffer {
  const { revision, result } = answer
  return encodeProto(messageFor(name, 'response'), { revision, [name]: result })
}

/** Undefined when the answer is not one to this command. Throws MalformedMessage. */
export function decodeAnswer<Name extends CommandName>(
  name: Name,
  bytes: Buffer,
): CommandAnswer<Name> | undefined {
  const answer = decodeProto(messageFor(name, 'response'), bytes)
  const result = answer[name] as ResultOf<Name> | null
  return result === null ? undefined : { revision: answer['revision'] as number, result }
}

function messageFor(name: CommandName, direction: 'request' | 'response'): ProtoMessage<FieldTable> {
  const method = commandMethods.get(commandMessages[name].method)
  assert(method !== undefined, 'Every command has a method that carries it.', { name })
  return method[direction]
}
