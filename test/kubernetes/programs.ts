/**
 * Kubernetes' own programs with etcd, CoreDNS and a volume provisioner, built from Go modules (go/) and kept in the cache
 * under a key of sources, module sums and Go version. Cold it takes two cores five to seven minutes.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDirectory } from './cache.ts'
import { must } from './commands.ts'
import { goCommand } from './go-command.ts'

export const kubernetesVersion = 'v1.35.4'

/** Links to the one binary, which looks at the name it is called by. */
const programNames = [
  'coredns',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-proxy',
  'kube-scheduler',
  'kubelet',
  'volumes',
]

export const goSources = join(import.meta.dirname, 'go')
const buildMs = 30 * 60_000

/** The directory with a link for every program, `etcd` and `pause`. Whoever comes while it is being built waits for that. */
export async function buildPrograms(): Promise<string> {
  const go = await goCommand()
  const place = join(cacheDirectory, 'kubernetes', await keyOfSources())
  if (existsSync(place)) return place
  mkdirSync(join(cacheDirectory, 'kubernetes'), { recursive: true })
  const build = [
    'set -e',
    'test ! -e "$0" || exit 0', // somebody else built it while we waited for the lock
    'rm -rf "$0.new"',
    `nice -n 15 ${go} build -trimpath -buildvcs=false -ldflags "$1" -o "$0.new/" . ./etcd ./pause`,
    ...programNames.map(name => `ln -s kubernetes "$0.new/${name}"`),
    'mv "$0.new" "$0"',
  ].join('\n')
  await must('flock', [`${place}.lock`, 'sh', '-c', build, place, linkerFlags], {
    directory: goSources,
    environment: { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOGC: '400' },
    timeoutMs: buildMs,
  })
  return place
}

/** Without these, the programs would call themselves v0.0.0 and refuse each other. */
export const linkerFlags = [
  '-s -w',
  `-X k8s.io/component-base/version.gitVersion=${kubernetesVersion}`,
  `-X k8s.io/component-base/version.gitMajor=${kubernetesVersion.slice(1).split('.')[0]}`,
  `-X k8s.io/component-base/version.gitMinor=${kubernetesVersion.split('.')[1]}`,
  `-X k8s.io/client-go/pkg/version.gitVersion=${kubernetesVersion}`,
].join(' ')

/** What is built changes with it. */
export async function keyOfSources(): Promise<string> {
  const goVersion = (await must(await goCommand(), ['env', 'GOVERSION'], { directory: goSources })).trim()
  const hash = createHash('sha256').update(`${goVersion}\n${linkerFlags}\n${programNames.join(' ')}\n`)
  const files = readdirSync(goSources, { recursive: true, encoding: 'utf8' })
    .filter(name => /\.(go|mod|sum)$/.test(name))
    .sort()
  for (const name of files) hash.update(`${name}\n`).update(readFileSync(join(goSources, name)))
  return `${kubernetesVersion}-${hash.digest('hex').slice(0, 12)}`
}
