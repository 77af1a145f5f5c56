/**
 * A CNI plugin that stands after those which give a pod its network: tells the enforcer which pod has which address, and lets
 * containerd go on when the policies are in force for it, so that a pod is closed from its first packet on. Arguments: the
 * enforcer's socket. A pod that goes is told of too, but goes whether or not anybody hears that.
 */
import { text } from 'node:stream/consumers'
import { connect } from 'node:net'
import type { Announcement } from './enforcer.ts'

const [socket = ''] = process.argv.slice(2)
const { CNI_COMMAND: command = '', CNI_ARGS: args = '', CNI_CONTAINERID: sandbox = '' } = process.env
const config = JSON.parse(await text(process.stdin)) as {
  readonly cniVersion: string
  readonly prevResult?: { readonly ips?: readonly { readonly address: string }[] }
}
const waitMs = 30_000

switch (command) {
  case 'VERSION':
    console.log(JSON.stringify({ cniVersion: '1.0.0', supportedVersions: ['0.4.0', '1.0.0'] }))
    break
  case 'ADD': {
    const address = config.prevResult?.ips?.[0]?.address.split('/')[0]
    const failure = await tell({ kind: 'added', ...pod(), ...(address === undefined ? {} : { address }) })
    if (failure === '') console.log(JSON.stringify(config.prevResult))
    else {
      console.log(JSON.stringify({ cniVersion: config.cniVersion, code: 100, msg: failure }))
      process.exitCode = 1
    }
    break
  }
  case 'DEL':
    await tell({ kind: 'removed', ...pod() })
    break
}

function pod(): Pick<Announcement, 'namespace' | 'name' | 'uid' | 'sandbox'> {
  const given = new Map(args.split(';').map(each => each.split('=') as [string, string]))
  const of = (name: string): string => given.get(`K8S_POD_${name}`) ?? ''
  return { namespace: of('NAMESPACE'), name: of('NAME'), uid: of('UID'), sandbox }
}

/** Empty when it was heard and done, else what was wrong. */
async function tell(announcement: Announcement): Promise<string> {
  try {
    const connection = connect({ path: socket, signal: AbortSignal.timeout(waitMs) })
    connection.end(`${JSON.stringify(announcement)}\n`)
    const said = await text(connection)
    return said === '' ? 'It ended without an answer.' : said.trim()
  } catch (error) {
    return `Who puts NetworkPolicies in force cannot be asked at ${socket}: ${String(error)}`
  }
}
