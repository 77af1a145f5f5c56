/** etcd, API server, controllers, scheduler, DNS, volumes and network policies: each a process in the control plane's namespace. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClusterPlan } from './addresses.ts'
import { auditPolicy } from './audit.ts'
import type { ClusterRecord } from './record.ts'
import { logOf, type StartedProcess, startProcess } from './start-process.ts'

export interface ControlPlaneParts {
  readonly plan: ClusterPlan
  readonly record: ClusterRecord
  readonly programs: string
  /** Directory of the certificates. */
  readonly certificates: string
}

export function startApiServer(parts: ControlPlaneParts): StartedProcess {
  const { plan, programs, certificates: at } = parts
  start(parts, 'etcd', [
    join(programs, 'etcd'),
    '--name=main',
    `--data-dir=${join(plan.dataDirectory, 'etcd')}`,
    '--listen-client-urls=http://127.0.0.1:2379',
    '--advertise-client-urls=http://127.0.0.1:2379',
    '--listen-peer-urls=http://127.0.0.1:2380',
    '--initial-advertise-peer-urls=http://127.0.0.1:2380',
    '--initial-cluster=main=http://127.0.0.1:2380',
    '--unsafe-no-fsync',
    '--log-level=warn',
  ])
  const policy = join(plan.dataDirectory, 'audit-policy.json')
  writeFileSync(policy, auditPolicy)
  return start(parts, 'kube-apiserver', [
    join(programs, 'kube-apiserver'),
    '--etcd-servers=http://127.0.0.1:2379',
    '--bind-address=0.0.0.0',
    '--secure-port=6443',
    `--advertise-address=${plan.controlAddress}`,
    `--service-cluster-ip-range=${plan.serviceNetwork}`,
    `--tls-cert-file=${at}/server.crt`,
    `--tls-private-key-file=${at}/server.key`,
    `--client-ca-file=${at}/ca.crt`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-signing-key-file=${at}/service-accounts.key`,
    `--service-account-key-file=${at}/service-accounts.pub`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    `--kubelet-client-certificate=${at}/server-to-kubelet.crt`,
    `--kubelet-client-key=${at}/server-to-kubelet.key`,
    `--kubelet-certificate-authority=${at}/ca.crt`,
    '--kubelet-preferred-address-types=InternalIP',
    `--requestheader-client-ca-file=${at}/ca.crt`,
    '--requestheader-allowed-names=front-proxy',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-username-headers=X-Remote-User',
    `--proxy-client-cert-file=${at}/front-proxy.crt`,
    `--proxy-client-key-file=${at}/front-proxy.key`,
    `--audit-policy-file=${policy}`,
    `--audit-log-path=${auditLogOf(plan)}`,
  ])
}

/** Every write to the API server, with its user. */
export function auditLogOf(plan: ClusterPlan): string {
  return logOf(plan, 'audit')
}

/** Needs an API server that is ready. */
export function startControllers(parts: ControlPlaneParts): void {
  const { programs, certificates: at } = parts
  const as = (user: string): string[] => [
    `--kubeconfig=${at}/${user}.kubeconfig`,
    `--authentication-kubeconfig=${at}/${user}.kubeconfig`,
    `--authorization-kubeconfig=${at}/${user}.kubeconfig`,
    '--bind-address=127.0.0.1',
    '--leader-elect=false',
  ]
  start(parts, 'kube-controller-manager', [
    join(programs, 'kube-controller-manager'),
    ...as('controllers'),
    '--use-service-account-credentials=true',
    `--service-account-private-key-file=${at}/service-accounts.key`,
    `--root-ca-file=${at}/ca.crt`,
    `--cluster-signing-cert-file=${at}/ca.crt`,
    `--cluster-signing-key-file=${at}/ca.key`,
    // A new node is usable at once, not after seconds.
    '--kube-api-qps=300',
    '--kube-api-burst=600',
    '--node-monitor-period=1s',
  ])
  start(parts, 'kube-scheduler', [join(programs, 'kube-scheduler'), ...as('scheduler')])
}

/** Needs the roles of base.yaml. The process is the one that puts network policies in force; no pod starts before it does. */
export function startAddOns(parts: ControlPlaneParts): StartedProcess {
  const { plan, programs, certificates: at } = parts
  const corefile = join(plan.dataDirectory, 'Corefile')
  writeFileSync(corefile, corefileOf(plan, `${at}/coredns.kubeconfig`))
  start(parts, 'coredns', [join(programs, 'coredns'), '-conf', corefile])
  const volumes = join(plan.dataDirectory, 'volumes')
  mkdirSync(volumes, { recursive: true })
  start(parts, 'volumes', [
    join(programs, 'volumes'),
    `--kubeconfig=${at}/volumes.kubeconfig`,
    `--root=${volumes}`,
  ])
  return start(parts, 'network-policies', [
    'env',
    `KUBECONFIG=${at}/network-policies.kubeconfig`,
    process.execPath,
    join(import.meta.dirname, 'network-policies', 'main.ts'),
    String(plan.number),
    String(plan.nodes.length),
  ])
}

/** Names outside the cluster do not exist. */
function corefileOf({ controlAddress }: ClusterPlan, kubeconfig: string): string {
  return `cluster.local:53 in-addr.arpa:53 {
  bind ${controlAddress}
  errors
  ready 127.0.0.1:8181
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${kubeconfig}
    pods insecure
    ttl 5
  }
}
.:53 {
  bind ${controlAddress}
  template ANY ANY . {
    rcode NXDOMAIN
  }
}
`
}

function start(
  { plan, record }: ControlPlaneParts,
  name: string,
  command: readonly string[],
): StartedProcess {
  return startProcess(plan, record, plan.name, name, command)
}
