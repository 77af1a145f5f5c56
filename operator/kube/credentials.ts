/**
 * Where the API server is and how we prove who we are. In a pod that is read from the mounted ServiceAccount here; a
 * kubeconfig is left to @kubernetes/client-node, which is loaded only then: it takes 80 MB that a pod need not have.
 */
import { readFile } from 'node:fs/promises'
import type { OutgoingHttpHeaders } from 'node:http'
import type { RequestOptions } from 'node:https'
import type { Clock } from '../../runtime/clock.ts'

export interface ApiAccess {
  readonly server: URL
  /** Namespace of the pod, or of the kubeconfig's context. */
  readonly namespace: string
  /** What goes into every request: authorities, certificate, Authorization. */
  requestOptions(): Promise<AccessOptions>
}

export interface AccessOptions extends RequestOptions {
  readonly headers?: OutgoingHttpHeaders
}

const mounted = '/var/run/secrets/kubernetes.io/serviceaccount'
const tokenLivesMs = 60_000

export async function loadAccess(
  environment: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): Promise<ApiAccess> {
  const host = environment['KUBERNETES_SERVICE_HOST']
  if (host === undefined || environment['KUBECONFIG'] !== undefined) return loadKubeconfig()
  const port = environment['KUBERNETES_SERVICE_PORT_HTTPS'] ?? environment['KUBERNETES_SERVICE_PORT'] ?? '443'
  const ca = await readFile(`${mounted}/ca.crt`)
  const namespace = (await readFile(`${mounted}/namespace`, 'utf8')).trim()
  let token: { readonly text: string; readonly readAtMs: number } | undefined
  return {
    server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    namespace,
    async requestOptions() {
      const nowMs = clock.monotonicMs()
      // The kubelet writes a new one long before the old one ends.
      if (token === undefined || nowMs - token.readAtMs > tokenLivesMs) {
        token = { text: (await readFile(`${mounted}/token`, 'utf8')).trim(), readAtMs: nowMs }
      }
      return { ca, headers: { Authorization: `Bearer ${token.text}` } }
    },
  }
}

async function loadKubeconfig(): Promise<ApiAccess> {
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  config.loadFromDefault()
  const server = config.getCurrentCluster()?.server
  if (server === undefined) {
    throw new Error('The kubeconfig names no cluster; set KUBECONFIG, or run the operator in a pod.')
  }
  return {
    server: new URL(server),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    async requestOptions() {
      const options: AccessOptions = {}
      await config.applyToHTTPSOptions(options)
      return options
    },
  }
}
