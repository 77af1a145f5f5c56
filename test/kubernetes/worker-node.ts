/** One node of a cluster made from packages: containerd, kubelet and kube-proxy in a network namespace of their own. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitUntil, run } from '../targets/processes.ts'
import { type NodePlan, policySocketOf } from './addresses.ts'
import { makeCgroup } from './cgroups.ts'
import type { ControlPlaneParts } from './control-plane.ts'
import { type StartedProcess, checkRuns, startProcess } from './start-process.ts'

export const pauseImage = 'localhost/pause:1'

/** Resolves when containerd takes images. */
export async function startContainerd(parts: ControlPlaneParts, node: NodePlan): Promise<void> {
  for (const directory of [node.runDirectory, join(node.dataDirectory, 'cni'), pluginsOf(node)]) {
    mkdirSync(directory, { recursive: true })
  }
  const file = join(node.dataDirectory, 'containerd.toml')
  writeFileSync(file, containerdConfig(node))
  writeFileSync(join(node.dataDirectory, 'cni', 'pods.conflist'), JSON.stringify(networkConfig(node)))
  makePlugins(parts, node)
  const containerd = start(parts, node, 'containerd', ['containerd', '--config', file])
  await waitUntil(
    `containerd of ${node.name} answers`,
    async () => {
      checkRuns(containerd)
      return (await run('ctr', ['-a', node.containerdSocket, 'version'])).exit === 0 || undefined
    },
    { everyMs: 50 },
  )
}

/** To be followed by the path of a docker archive. */
export function importCommand(node: NodePlan): readonly string[] {
  return ['ctr', '-a', node.containerdSocket, '-n', 'k8s.io', 'images', 'import']
}

/** Needs containerd with the pause image, and an API server that is ready. */
export function startKubelet(parts: ControlPlaneParts, node: NodePlan): StartedProcess {
  const { plan, record, programs, certificates } = parts
  record.write({ kind: 'cgroup', name: node.namespace })
  makeCgroup(node.namespace)
  const resolvConf = join(node.dataDirectory, 'resolv.conf')
  writeFileSync(resolvConf, '')
  const kubeletFile = join(node.dataDirectory, 'kubelet.json')
  writeFileSync(kubeletFile, JSON.stringify(kubeletConfig(parts, node, resolvConf), null, 2))
  const kubelet = start(parts, node, 'kubelet', [
    join(programs, 'kubelet'),
    `--config=${kubeletFile}`,
    `--kubeconfig=${certificates}/${node.name}.kubeconfig`,
    `--root-dir=${join(node.dataDirectory, 'kubelet')}`,
    `--cert-dir=${join(node.dataDirectory, 'kubelet', 'pki')}`,
    `--hostname-override=${node.name}`,
    `--node-ip=${node.address}`,
    `--node-labels=topology.kubernetes.io/region=local,topology.kubernetes.io/zone=${node.zone}`,
  ])
  const proxyFile = join(node.dataDirectory, 'kube-proxy.json')
  const proxyConfig = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
    hostnameOverride: node.name,
    clusterCIDR: plan.podNetwork,
    clientConnection: { kubeconfig: `${certificates}/kube-proxy.kubeconfig` },
    // Those limits are the whole machine's, and cannot be set from a namespace.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  }
  writeFileSync(proxyFile, JSON.stringify(proxyConfig, null, 2))
  start(parts, node, 'kube-proxy', [join(programs, 'kube-proxy'), `--config=${proxyFile}`])
  return kubelet
}

function kubeletConfig(
  { plan, certificates: at }: ControlPlaneParts,
  node: NodePlan,
  resolvConf: string,
): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: node.address,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: `${at}/ca.crt` },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: `${at}/${node.name}-server.crt`,
    tlsPrivateKeyFile: `${at}/${node.name}-server.key`,
    containerRuntimeEndpoint: `unix://${node.containerdSocket}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${node.namespace}`,
    failCgroupV1: false,
    failSwapOn: false,
    maxOpenFiles: 20_000, // more than the hard limit is refused where root may not raise it
    clusterDomain: 'cluster.local',
    clusterDNS: [plan.controlAddress],
    resolvConf,
    // The disk and the memory are the machine's, and others' too.
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '1%',
      'imagefs.available': '1%',
      'nodefs.inodesFree': '1%',
    },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    podLogsDir: join(node.dataDirectory, 'pod-logs'),
    volumePluginDir: join(node.dataDirectory, 'volume-plugins'),
    healthzBindAddress: '127.0.0.1',
    // Pods of a node that is drained or shut down go as fast as their own grace allows.
    shutdownGracePeriod: '0s',
  }
}

function containerdConfig(node: NodePlan): string {
  return `version = 2
root = "${join(node.dataDirectory, 'containerd')}"
state = "${join(node.runDirectory, 'containerd')}"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]
[grpc]
  address = "${node.containerdSocket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  # Root without CAP_SYS_RESOURCE may not make a process less likely to be killed than itself.
  restrict_oom_score_adj = true
  enable_unprivileged_ports = true
  # So that what has to be unmounted can be told from that of others.
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${pluginsOf(node)}"
    conf_dir = "${join(node.dataDirectory, 'cni')}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
`
}

const debianPlugins = '/usr/lib/cni'
const policyPlugin = 'network-policies'

function pluginsOf(node: NodePlan): string {
  return join(node.dataDirectory, 'cni-plugins')
}

/** All are to stand in one directory. */
function makePlugins({ plan }: ControlPlaneParts, node: NodePlan): void {
  for (const name of ['bridge', 'host-local', 'loopback', 'portmap']) {
    symlinkSync(join(debianPlugins, name), join(pluginsOf(node), name))
  }
  const program = join(import.meta.dirname, 'network-policies', 'cni-plugin.ts')
  const command = [process.execPath, program, policySocketOf(plan)].map(word => `'${word}'`).join(' ')
  // It starts with every pod: what the compiler makes of it is kept, which is most of its time.
  const compiled = join(plan.dataDirectory, 'compiled')
  const script = `#!/bin/sh\nNODE_COMPILE_CACHE='${compiled}' exec ${command}\n`
  writeFileSync(join(pluginsOf(node), policyPlugin), script, { mode: 0o755 })
}

function networkConfig(node: NodePlan): object {
  return {
    cniVersion: '1.0.0',
    name: 'pods',
    plugins: [
      {
        type: 'bridge',
        bridge: 'pods',
        isGateway: false,
        ipMasq: false,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          dataDir: join(node.dataDirectory, 'pod-addresses'),
          ranges: [[{ subnet: node.podNetwork, rangeStart: node.firstPod, gateway: node.address }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
      { type: policyPlugin },
    ],
  }
}

function start(
  { plan, record }: ControlPlaneParts,
  node: NodePlan,
  program: string,
  command: readonly string[],
): StartedProcess {
  return startProcess(plan, record, node.namespace, `${program}-${node.name}`, command)
}
