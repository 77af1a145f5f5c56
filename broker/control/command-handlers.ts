import type { Logger } from '../../runtime/logger.ts'
import type { ControllerClient } from '../controller/controller-client.ts'
import { type CommandName, type CommandOf, runCommand } from '../controller/controller-commands.ts'
import { commandMethods, type ControlMethod, decodeCommand, encodeAnswer } from './control-api.ts'
import type { ControlHandler } from './control-server.ts'
import { ControlRefusal } from './control-status.ts'

/** Nobody waits longer than this. */
const longestTimeoutMs = 600_000
const defaultTimeoutMs = 60_000

/** The methods that carry commands of the controller, by name. */
export function commandHandlers(parts: CommandHandlerParts): [string, ControlHandler][] {
  return [...commandMethods.values()].map(method => [method.name, bytes => carryOut(method, bytes, parts)])
}

export interface CommandHandlerParts {
  readonly brokerId: number
  readonly logger: Logger
  /** The controller in this process while it is it, with its epoch. */
  readonly active: () => { readonly epoch: number; readonly controller: ControllerClient } | undefined
  /** The controller wherever it is. */
  readonly anywhere: ControllerClient
  /** Revision of this broker's image. */
  readonly revision: () => number
}

async function carryOut(method: ControlMethod, bytes: Buffer, parts: CommandHandlerParts): Promise<Buffer> {
  const received = decodeCommand(method, bytes)
  if (received === undefined) {
    throw new ControlRefusal(
      'unimplemented',
      `${method.name} came without one command that this release knows`,
    )
  }
  const { name, body, caller } = received
  const { principal, controllerEpoch, timeoutMs } = caller
  const controller = controllerFor(controllerEpoch, parts)
  parts.logger.debug(
    { command: name, principal, controllerEpoch },
    'A command came over the control service.',
  )
  // What was decoded as this command is one.
  const command = {
    ...body,
    timeoutMs: timeoutMs > 0 ? Math.min(timeoutMs, longestTimeoutMs) : defaultTimeoutMs,
    ...(principal === '' ? {} : { principal }),
  } as CommandOf<CommandName>
  const result = await runCommand(controller, name, command)
  return encodeAnswer(name, { revision: parts.revision(), result })
}

function controllerFor(epoch: number, parts: CommandHandlerParts): ControllerClient {
  if (epoch === 0) return parts.anywhere
  const active = parts.active()
  if (active?.epoch === epoch) return active.controller
  const state = active === undefined ? 'is not the controller' : `is the controller in epoch ${active.epoch}`
  throw new ControlRefusal(
    'failedPrecondition',
    `Broker ${parts.brokerId} ${state}; the request is for the controller in epoch ${epoch}.`,
  )
}
