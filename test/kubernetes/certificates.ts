/** The certificates of a cluster made from packages, and kubeconfigs that hold them. All end after 30 days. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClusterPlan } from './addresses.ts'
import { must } from './commands.ts'

/** Files NAME.crt and NAME.key in the directory. */
interface CertificateRequest {
  readonly name: string
  readonly subject: string
  readonly usage: 'serverAuth' | 'clientAuth'
  readonly alternativeNames?: string
}

export async function makeCertificates(plan: ClusterPlan, directory: string): Promise<void> {
  await key(directory, 'ca')
  const authority = ['-x509', '-new', '-key', 'ca.key', '-subj', '/CN=cluster-ca', '-days', '30']
  await must('openssl', ['req', ...authority, '-out', 'ca.crt'], { directory })
  await key(directory, 'service-accounts')
  await must('openssl', ['ec', '-in', 'service-accounts.key', '-pubout', '-out', 'service-accounts.pub'], {
    directory,
  })
  await Promise.all(requestsOf(plan).map(request => certificate(directory, request)))
  for (const user of [
    'admin',
    'controllers',
    'scheduler',
    'kube-proxy',
    'coredns',
    'network-policies',
    'volumes',
  ]) {
    writeKubeconfig(plan, directory, user)
  }
  for (const node of plan.nodes) writeKubeconfig(plan, directory, node.name)
}

function requestsOf(plan: ClusterPlan): CertificateRequest[] {
  const kubernetes = ['', '.default', '.default.svc', '.default.svc.cluster.local']
  const names = kubernetes.map(suffix => `DNS:kubernetes${suffix}`)
  const addresses = ['127.0.0.1', plan.kubernetesService, plan.controlAddress].map(ip => `IP:${ip}`)
  const client = (name: string, subject: string): CertificateRequest => ({
    name,
    subject,
    usage: 'clientAuth',
  })
  return [
    {
      name: 'server',
      subject: '/CN=kube-apiserver',
      usage: 'serverAuth',
      alternativeNames: [...names, ...addresses].join(','),
    },
    client('server-to-kubelet', '/O=system:masters/CN=server-to-kubelet'),
    client('front-proxy', '/CN=front-proxy'),
    client('admin', '/O=system:masters/CN=admin'),
    client('controllers', '/CN=system:kube-controller-manager'),
    client('scheduler', '/CN=system:kube-scheduler'),
    client('kube-proxy', '/CN=system:kube-proxy'),
    client('coredns', '/CN=system:coredns'),
    client('network-policies', '/CN=system:network-policies'),
    client('volumes', '/CN=system:volumes'),
    ...plan.nodes.flatMap(({ name, address }): CertificateRequest[] => [
      client(name, `/O=system:nodes/CN=system:node:${name}`),
      {
        name: `${name}-server`,
        subject: `/CN=${name}`,
        usage: 'serverAuth',
        alternativeNames: `DNS:${name},IP:${address}`,
      },
    ]),
  ]
}

async function certificate(directory: string, request: CertificateRequest): Promise<void> {
  const { name, subject, usage, alternativeNames } = request
  await key(directory, name)
  await must('openssl', ['req', '-new', '-key', `${name}.key`, '-subj', subject, '-out', `${name}.csr`], {
    directory,
  })
  const extensions = [`keyUsage=digitalSignature`, `extendedKeyUsage=${usage}`]
  if (alternativeNames !== undefined) extensions.push(`subjectAltName=${alternativeNames}`)
  writeFileSync(join(directory, `${name}.ext`), `${extensions.join('\n')}\n`)
  const serial = ['-set_serial', `0x${Buffer.from(name).toString('hex').slice(0, 30)}`]
  const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', ...serial, '-days', '30', '-extfile', `${name}.ext`]
  await must('openssl', ['x509', '-req', '-in', `${name}.csr`, ...signing, '-out', `${name}.crt`], {
    directory,
  })
}

async function key(directory: string, name: string): Promise<void> {
  await must('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`], {
    directory,
  })
}

function writeKubeconfig(plan: ClusterPlan, directory: string, user: string): void {
  const base64 = (file: string): string => readFileSync(join(directory, file)).toString('base64')
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: plan.name, cluster: { server: plan.server, 'certificate-authority-data': base64('ca.crt') } },
    ],
    users: [
      {
        name: user,
        user: {
          'client-certificate-data': base64(`${user}.crt`),
          'client-key-data': base64(`${user}.key`),
        },
      },
    ],
    contexts: [{ name: plan.name, context: { cluster: plan.name, user } }],
    'current-context': plan.name,
  }
  writeFileSync(join(directory, `${user}.kubeconfig`), JSON.stringify(kubeconfig, null, 2), { mode: 0o600 })
}
