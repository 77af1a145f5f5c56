import type { ControllerClient } from './controller-client.ts'
import { controllerClient, refuseCommand, runCommand } from './controller-commands.ts'

/** Asks the controller in this process while there is one; else every item answers NOT_CONTROLLER. */
export function localController(active: () => ControllerClient | undefined): ControllerClient {
  return controllerClient((name, command) => {
    const controller = active()
    if (controller !== undefined) return runCommand(controller, name, command)
    return Promise.resolve(
      refuseCommand(name, command, 'NOT_CONTROLLER', 'This broker is not the active controller.'),
    )
  })
}
