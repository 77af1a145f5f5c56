/** kind itself and what its nodes have beside Kubernetes' programs, built from Go modules and kept in the cache. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached } from '../cache.ts'
import { run } from '../../targets/processes.ts'
import { must } from '../commands.ts'
import { goCommand } from '../go-command.ts'
import { goSources, linkerFlags, keyOfSources } from '../programs.ts'

export const modules = {
  kind: 'sigs.k8s.io/kind@v0.33.0',
  crictl: 'sigs.k8s.io/cri-tools/cmd/crictl@v1.34.0',
  localPathProvisioner: 'github.com/rancher/local-path-provisioner@v0.0.30',
} as const

const buildMs = 30 * 60_000

/** The machine's own kind, else one built from its module. */
export async function kindCommand(): Promise<string> {
  if ((await run('kind', ['version']).catch(() => null))?.exit === 0) return 'kind'
  const place = await cached(`kind-${modules.kind.replaceAll(/\W+/g, '-')}`, directory =>
    install(modules.kind, directory),
  )
  return join(place, 'kind')
}

/** `module` is PATH@VERSION of a module whose root is the program, or of a program's package. */
async function install(module: string, directory: string): Promise<void> {
  await must(await goCommand(), ['install', module], {
    environment: { CGO_ENABLED: '0', GOBIN: directory, GOFLAGS: '-mod=readonly', GOGC: '400' },
    directory: tmpdir(),
    timeoutMs: buildMs,
  })
}

/** The directory with kubeadm, crictl, node-network and local-path-provisioner. */
export async function buildNodePrograms(): Promise<string> {
  const go = await goCommand()
  return cached(join('kind-node', await keyOfSources()), async place => {
    const build = ['build', '-trimpath', '-buildvcs=false', '-ldflags', linkerFlags, '-o', `${place}/`]
    await must(go, [...build, './kubeadm', './node-network'], {
      environment: { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOGC: '400' },
      directory: goSources,
      timeoutMs: buildMs,
    })
    await install(modules.localPathProvisioner, place)
    await install(modules.crictl, place)
  })
}

/** Where Go keeps a module's files, fetched if need be. */
export async function moduleDirectory(module: string): Promise<string> {
  const download = await must(await goCommand(), ['mod', 'download', '-json', module], {
    directory: tmpdir(),
    timeoutMs: buildMs,
  })
  return (JSON.parse(download) as { readonly Dir: string }).Dir
}
