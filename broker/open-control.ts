import { hostname } from 'node:os'
import type { BrokerParts } from './broker-parts.ts'
import { advertisedControlListener, parseControlListener } from './config/control-listeners.ts'
import type { Control } from './control/control.ts'
import type { ClusterMembership } from './controller/cluster-membership.ts'
import type { ControlAddress } from './metadata/image.ts'
import type { StartingHealth } from './starting-health.ts'

/**
 * Opens the control service of a broker that is one of a cluster. Its code is loaded only then: a broker alone starts
 * sooner without it.
 */
export async function openControl(
  parts: BrokerParts,
  options: { readonly membership: ClusterMembership; readonly health: StartingHealth },
): Promise<{ readonly control: Control; readonly address: ControlAddress | null }> {
  const [{ Control }, { readControlTls }] = await Promise.all([
    import('./control/control.ts'),
    import('./control/control-tls.ts'),
  ])
  const { loaded, clock, random, disk, logger } = parts
  const { settings } = loaded
  const { membership, health } = options
  const control = await Control.open({
    brokerId: settings['node.id'],
    listeners: settings['control.listeners'].flatMap(entry => parseControlListener(entry) ?? []),
    tls: readControlTls(settings, path => disk.readFile(path)),
    images: membership.images,
    local: membership.localController,
    active: () => {
      const controller = membership.activeController
      return controller === undefined ? undefined : { epoch: controller.epoch, controller }
    },
    isReady: () => health.ready().length === 0,
    clock,
    random,
    logger,
  })
  membership.forwardCommands(control.controller)
  const advertised = advertisedControlListener(settings)
  if (advertised === undefined) return { control, address: null }
  const { host, port, tls } = advertised
  const address = {
    host: host === '' ? hostname() : host,
    port: port === 0 ? control.portOf(tls) : port,
    tls,
  }
  return { control, address }
}
