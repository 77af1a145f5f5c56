/** What a broker says of itself on /readyz. */
import { get } from 'node:http'

export type Readiness =
  | { readonly kind: 'ready' }
  | { readonly kind: 'unready'; readonly isRecovering: boolean; readonly detail: string }
  /** Not there, or no answer in time. */
  | { readonly kind: 'silent' }

const timeoutMs = 1000

/** Never rejects. */
export function askReadiness(http: { readonly host: string; readonly port: number }): Promise<Readiness> {
  return new Promise(resolve => {
    const request = get({ ...http, path: '/readyz', timeout: timeoutMs, agent: false }, response => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        body += text
      })
      response.on('end', () => resolve(readAnswer(response.statusCode ?? 0, body)))
      response.on('error', () => resolve({ kind: 'silent' }))
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve({ kind: 'silent' }))
  })
}

interface Reason {
  readonly reason?: string
  readonly message?: string
  readonly details?: Readonly<Record<string, string | number>>
}

export function readAnswer(statusCode: number, body: string): Readiness {
  if (statusCode === 200) return { kind: 'ready' }
  let reasons: readonly Reason[] = []
  try {
    reasons = (JSON.parse(body) as { reasons?: readonly Reason[] }).reasons ?? []
  } catch {
    // Some other server, or a broker that says nothing more.
  }
  const recovering = reasons.find(({ reason }) => reason === 'RecoveringLogs')
  const detail =
    recovering === undefined
      ? reasons.map(({ message }) => message ?? '').join(' ')
      : describeRecovery(recovering.details ?? {})
  return { kind: 'unready', isRecovering: recovering !== undefined, detail }
}

function describeRecovery(details: Readonly<Record<string, string | number>>): string {
  const bytes = Number(details['remainingBytes'] ?? 0)
  return `${details['remainingLogs'] ?? '?'} logs, ${details['remainingSegments'] ?? '?'} segments (${(bytes / 2 ** 20).toFixed(0)} MiB) to read again`
}
