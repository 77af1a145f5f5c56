import { hostname } from 'node:os'
import type { BrokerParts } from './broker-parts.ts'
import { advertisedControlListener, parseControlListener } from './config/control-listeners.ts'
import type { Control } from './control/control.ts'
import type { ClusterMembership } from './controller/cluster-membership.ts'
import { describeBroker, type OpenedParts } from './describe-broker.ts'
import { RecordTimes } from './log/record-times.ts'
import type { ControlAddress } from './metadata/image.ts'
import { describePositions } from './replication/describe-positions.ts'
import type { StartingHealth } from './starting-health.ts'

/** Reading times of records may take so long; less than those who ask wait. */
const mostMsForPositions = 2000

/**
 * Opens the control service of a broker that is one of a cluster. Its code is loaded only then: a broker alone starts
 * sooner without it.
 */
export async function openControl(
  parts: BrokerParts,
  options: {
    readonly membership: ClusterMembership
    readonly health: StartingHealth
    /** Undefined until they are opened. */
    readonly opened: () => OpenedParts
  },
): Promise<{ readonly control: Control; readonly address: ControlAddress | null }> {
  const [{ Control }, { ControlCertificates }] = await Promise.all([
    import('./control/control.ts'),
    import('./control/control-tls.ts'),
  ])
  const { loaded, clock, random, disk, logger } = parts
  const { settings } = loaded
  const { membership, health, opened } = options
  const brokerId = settings['node.id']
  const readFile = (path: string): Buffer | undefined => disk.readFile(path)
  const certificates = new ControlCertificates({ settings, readFile, clock, logger })
  const times = new RecordTimes()
  const control = await Control.open({
    brokerId,
    listeners: settings['control.listeners'].flatMap(entry => parseControlListener(entry) ?? []),
    tls: () => certificates.current,
    images: membership.images,
    local: membership.localController,
    active: () => {
      const controller = membership.activeController
      return controller === undefined ? undefined : { epoch: controller.epoch, controller }
    },
    status: () => describeBroker({ brokerId, membership, health, ...opened() }),
    positions: async asked => {
      const partitions = opened().replication?.partitions
      const untilMs = clock.monotonicMs() + mostMsForPositions
      const monotonicMs = (): number => clock.monotonicMs()
      return partitions === undefined
        ? asked.map(() => ({ highWatermark: null, timeMs: null }))
        : describePositions(asked, { partitions, times, monotonicMs, untilMs })
    },
    isReady: () => health.ready().length === 0,
    clock,
    random,
    logger,
  })
  membership.forwardCommands(control.controller)
  membership.paceWaves(() => control.pace())
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
