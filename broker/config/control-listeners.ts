import type { BrokerSettings } from './broker-settings.ts'

/** An address of the control service. */
export interface ControlListener {
  /** Empty: every address of the machine (bound), or the machine's name (advertised). */
  readonly host: string
  /** 0: any free port (bound), or the one bound (advertised). */
  readonly port: number
  readonly tls: boolean
}

/** http://host:port, or https://host:port for TLS; undefined when it is neither. */
export function parseControlListener(entry: string): ControlListener | undefined {
  const match = /^(https?):\/\/(?:\[([0-9A-Fa-f:.%]+)\]|([^:/[\]\s]*)):(\d{1,5})\/?$/.exec(entry)
  if (match === null || Number(match[4]) > 65_535) return undefined
  return { host: match[2] ?? match[3] ?? '', port: Number(match[4]), tls: match[1] === 'https' }
}

/** Where other brokers and the operator are to reach it, before port 0 and an empty host are filled in. */
export function advertisedControlListener(settings: BrokerSettings): ControlListener | undefined {
  const given = settings['control.advertised.listener']
  if (given !== null) return parseControlListener(given)
  const first = parseControlListener(settings['control.listeners'][0] ?? '')
  const isEvery = first?.host === '0.0.0.0' || first?.host === '::'
  return first === undefined ? undefined : { ...first, host: isEvery ? '' : first.host }
}

/** What is wrong with the settings of the control service, each a sentence that begins with the setting. */
export function findMistakesInControl(settings: BrokerSettings): string[] {
  const mistakes: string[] = []
  const check = (name: string, entry: string): ControlListener | undefined => {
    const listener = parseControlListener(entry)
    if (listener === undefined)
      mistakes.push(`${name}: '${entry}' is neither http://host:port nor https://host:port.`)
    return listener
  }
  const bound = settings['control.listeners'].map(entry => check('control.listeners', entry))
  const advertised = settings['control.advertised.listener']
  const told = advertised === null ? undefined : check('control.advertised.listener', advertised)
  if (told !== undefined && !bound.some(listener => listener?.tls === told.tls)) {
    const scheme = told.tls ? 'https' : 'http'
    mistakes.push(`control.advertised.listener: none of control.listeners is ${scheme}.`)
  }

  const certificate = settings['control.tls.certificate.file']
  const key = settings['control.tls.key.file']
  if ((certificate === null) !== (key === null)) {
    const missing = certificate === null ? 'control.tls.certificate.file' : 'control.tls.key.file'
    mistakes.push(`${missing}: a certificate and its key go together; give this one too.`)
  } else if (certificate === null && bound.some(listener => listener?.tls === true)) {
    mistakes.push(
      'control.listeners: https needs control.tls.certificate.file and control.tls.key.file; give them, or write http.',
    )
  } else if (certificate === null && settings['control.tls.ca.file'] !== null) {
    mistakes.push(
      'control.tls.ca.file: authorities alone are not enough; give control.tls.certificate.file and control.tls.key.file.',
    )
  }
  return mistakes
}
