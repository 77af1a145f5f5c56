/**
 * An image of kind's nodes made from packages, for machines whose Docker has no registry to pull kindest/node from: Debian with
 * systemd and containerd, kind's own files out of its Go module, and Kubernetes' programs as the images that kubeadm wants.
 */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { run, waitUntil } from '../../targets/processes.ts'
import { must } from '../commands.ts'
import { installDebianPackages } from '../debian-packages.ts'
import { npmTools } from '../npm-tools.ts'
import { buildPrograms, kubernetesVersion } from '../programs.ts'
import { buildNodePrograms, moduleDirectory, modules } from './kind-programs.ts'

const release = 'bookworm'
const mirror = 'http://deb.debian.org/debian'
/** For kube-proxy and the pod network. */
const basePackages = ['iptables', 'conntrack', 'iproute2', 'kmod', 'ca-certificates']
const nodePackages = [
  ...basePackages,
  'systemd',
  'systemd-sysv',
  'dbus',
  'nftables',
  'ethtool',
  'socat',
  'curl',
  'jq',
  'procps',
  'containerd',
  'runc',
  'containernetworking-plugins',
]
const minute = 60_000
const here = import.meta.dirname

/**
 * The name of the image in Docker, which has it then; made in two to four minutes when it has not. Needs root. Its nodes also
 * have `etcdImage`, made of our etcd.
 */
export async function buildNodeImage(etcdImage: string): Promise<string> {
  const programs = await buildPrograms()
  const image = `localhost/barnabas-kind-node:${keyOf([basename(programs), etcdImage])}`
  if ((await run('docker', ['image', 'inspect', image])).exit === 0) return image
  await installDebianPackages({ debootstrap: 'debootstrap' })
  const context = mkdtempSync(join(tmpdir(), 'barnabas-kind-node-'))
  try {
    await Promise.all([
      debian(context, 'base', basePackages),
      debian(context, 'node', nodePackages),
      layOutFiles(context, programs),
    ])
    await buildImages(context, image, etcdImage)
  } finally {
    rmSync(context, { recursive: true })
  }
  return image
}

function keyOf(more: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([modules, ...more]))
  for (const name of readdirSync(here).sort()) hash.update(readFileSync(join(here, name)))
  return hash.digest('hex').slice(0, 12)
}

/** A file system with `packages` as CONTEXT/NAME.tar. */
async function debian(context: string, name: string, packages: readonly string[]): Promise<void> {
  const root = join(context, `${name}-root`)
  const include = `--include=${packages.join()}`
  await must('debootstrap', ['--variant=minbase', include, release, root, mirror], { timeoutMs: 10 * minute })
  const files = ['--exclude=./var/cache/apt/*', '--exclude=./var/lib/apt/lists/*', '--exclude=./dev/*', '.']
  await must('tar', ['-C', root, '-cf', join(context, `${name}.tar`), ...files], { timeoutMs: 2 * minute })
  await must('rm', ['-rf', '--one-file-system', root])
}

/** What the Dockerfile copies. */
async function layOutFiles(context: string, programs: string): Promise<void> {
  const own = await buildNodePrograms()
  for (const folder of ['programs', 'node-programs', 'manifests']) mkdirSync(join(context, folder))
  const copy = (folder: string, from: string, names: readonly string[]): void => {
    for (const name of names)
      cpSync(join(from, name), join(context, folder, name), { verbatimSymlinks: true, recursive: true })
  }
  copy('programs', programs, readdirSync(programs))
  copy('programs', own, ['node-network', 'local-path-provisioner'])
  copy('node-programs', own, ['kubeadm', 'crictl'])
  copy('node-programs', programs, ['kubernetes', 'kubelet'])
  const { kubectl } = await npmTools()
  cpSync(kubectl, join(context, 'node-programs', 'kubectl'))
  chmodSync(join(context, 'node-programs', 'kubectl'), 0o755)

  // Go keeps modules without their modes.
  const kind = join(context, 'kind')
  cpSync(join(await moduleDirectory(modules.kind), 'images', 'base', 'files'), kind, { recursive: true })
  await must('chmod', ['-R', 'u=rwX,go=rX', kind])
  await must('chmod', ['-R', '+x', join(kind, 'usr', 'local', 'bin'), join(kind, 'kind', 'bin')])
  writeFileSync(join(kind, 'kind', 'version'), kubernetesVersion)
  cpSync(join(here, 'pod-network.yaml'), join(context, 'manifests', 'default-cni.yaml'))
  writeFileSync(join(context, 'manifests', 'default-storage.yaml'), await volumeManifest())
  for (const name of ['Dockerfile', 'kubelet.conf']) cpSync(join(here, name), join(context, name))
}

/** The provisioner's own, on the disk that nodes have for what grows, and with kind's class that is the default. */
async function volumeManifest(): Promise<string> {
  const file = join(await moduleDirectory(modules.localPathProvisioner), 'deploy', 'local-path-storage.yaml')
  const standard = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'rancher.io/local-path',
    volumeBindingMode: 'WaitForFirstConsumer',
    reclaimPolicy: 'Delete',
  }
  const manifest = readFileSync(file, 'utf8').replaceAll('/opt/local-path-provisioner', '/var/volumes')
  return `${manifest}\n---\n${JSON.stringify(standard)}\n`
}

/** Builds the node and gives its containerd the images, which only a running one takes. */
async function buildImages(context: string, image: string, etcdImage: string): Promise<void> {
  const kubeadm = join(context, 'node-programs', 'kubeadm')
  const list = await must(kubeadm, ['config', 'images', 'list', '--kubernetes-version', kubernetesVersion])
  const storage = readFileSync(join(context, 'manifests', 'default-storage.yaml'), 'utf8')
  const config = readFileSync(join(context, 'kind', 'etc', 'containerd', 'config.toml'), 'utf8')
  const names = [
    ...list.trim().split('\n'),
    ...[...storage.matchAll(/image: (\S+)/g)].map(([, name = '']) => name),
    /sandbox_image = "([^"]+)"/.exec(config)?.[1] ?? '',
    'localhost/node-network:1',
    etcdImage,
  ]
  for (const target of ['programs', 'coredns', 'pause', 'node']) await build(context, target)
  for (const name of names) await must('docker', ['tag', stage(targetOf(name)), name])
  const archive = join(context, 'images.tar')
  await must('docker', ['save', '-o', archive, ...names], { timeoutMs: 5 * minute })
  await must('docker', ['rmi', ...names])
  const start = ['run', '--detach', '--privileged', '--entrypoint=sleep', '--volume', `${context}:/context`]
  const container = (await must('docker', [...start, stage('node'), 'infinity'])).trim()
  const inside = (...command: readonly string[]): ReturnType<typeof run> =>
    run('docker', ['exec', container, ...command], { timeoutMs: 5 * minute })
  try {
    await must('docker', ['exec', '--detach', container, 'containerd'])
    await waitUntil(
      'containerd answers',
      async () => (await inside('ctr', 'version')).exit === 0 || undefined,
    )
    const take = ['ctr', '-n', 'k8s.io', 'images', 'import', '--no-unpack', '/context/images.tar']
    const { exit, stderr } = await inside(...take)
    if (exit !== 0) throw new Error(`containerd did not take the images: ${stderr}`)
    await inside('pkill', 'containerd')
    const change = 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]'
    await must('docker', ['commit', '--change', change, container, image], { timeoutMs: 5 * minute })
  } finally {
    await must('docker', ['rm', '--force', '--volumes', container])
  }
}

/** The name that a target of the Dockerfile has in Docker. Not the image's own: that one is not whole before it has the images. */
function stage(target: string): string {
  return `localhost/barnabas-kind-node:${target}`
}

function targetOf(image: string): string {
  return ['coredns', 'pause'].find(name => image.includes(`/${name}:`)) ?? 'programs'
}

/** By the builder that Docker has always had; newer ones may be missing. */
async function build(context: string, target: string): Promise<void> {
  await must('docker', ['build', '--quiet', '--target', target, '--tag', stage(target), context], {
    environment: { DOCKER_BUILDKIT: '0' },
    timeoutMs: 10 * minute,
  })
}
