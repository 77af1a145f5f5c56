/** Who wrote what to the API server, by its audit log. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** Reads are left out: there are many, and they change nothing. */
export const auditPolicy = JSON.stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', verbs: ['get', 'list', 'watch'] },
    { level: 'Metadata', verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'] },
  ],
})

/** A write that was tried; refused ones count too. */
export interface AuditedWrite {
  readonly user: string
  readonly verb: string
  /** `statefulsets`, `topics/status` */
  readonly resource: string
  readonly namespace: string
  readonly name: string
}

interface AuditEvent {
  readonly verb: string
  readonly user: { readonly username?: string }
  readonly objectRef?: {
    readonly resource?: string
    readonly subresource?: string
    readonly namespace?: string
    readonly name?: string
  }
}

/** Where the log ends now: what is written from here on. */
export function auditPosition(log: string): number {
  const file = openSync(log, 'r')
  try {
    return fstatSync(file).size
  } finally {
    closeSync(file)
  }
}

/** All whole lines after `position`, and where the last of them ends. */
export function writesSince(
  log: string,
  position: number,
): { readonly writes: readonly AuditedWrite[]; readonly position: number } {
  const file = openSync(log, 'r')
  try {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - position))
    const length = readSync(file, bytes, 0, bytes.length, position)
    const end = bytes.subarray(0, length).lastIndexOf(0x0a) + 1
    const lines = bytes.toString('utf8', 0, end).split('\n')
    return {
      writes: lines.filter(line => line !== '').map(line => writeOf(JSON.parse(line) as AuditEvent)),
      position: position + end,
    }
  } finally {
    closeSync(file)
  }
}

function writeOf({ verb, user, objectRef = {} }: AuditEvent): AuditedWrite {
  const { resource = '', subresource, namespace = '', name = '' } = objectRef
  return {
    user: user.username ?? '',
    verb,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    namespace,
    name,
  }
}
