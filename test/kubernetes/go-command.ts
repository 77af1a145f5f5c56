/** A Go that builds the modules: the machine's own, or a newer one from the module proxy where that is too old. */
import { chmodSync, existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached } from './cache.ts'
import { must } from './commands.ts'
import { installDebianPackages } from './debian-packages.ts'

/** From this version on, Go fetches by itself the newer one that a module asks for. */
const fetchesNewer = [1, 21] as const
const toolchain = 'v0.0.1-go1.25.4'
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

export async function goCommand(): Promise<string> {
  const installed = installedGo() ?? (await installGo())
  const version = await must(installed, ['version'], { directory: tmpdir() })
  const [, major = '0', minor = '0'] = /go(\d+)\.(\d+)/.exec(version) ?? []
  const [newMajor, newMinor] = fetchesNewer
  const isNew = Number(major) > newMajor || (Number(major) === newMajor && Number(minor) >= newMinor)
  return isNew ? installed : fetchGo(installed)
}

function installedGo(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/local/go/bin']
  return folders.map(folder => join(folder, 'go')).find(file => existsSync(file))
}

async function installGo(): Promise<string> {
  await installDebianPackages({ go: 'golang' })
  return installedGo() ?? 'go'
}

/** Toolchains are modules too. An older Go does not know that their programs are to be executable. */
async function fetchGo(installed: string): Promise<string> {
  const version = `${toolchain}.linux-${architectures[process.arch] ?? process.arch}`
  const directory = await cached(`go-${version}`, async place => {
    const download = ['mod', 'download', '-json', `golang.org/toolchain@${version}`]
    const { Dir } = JSON.parse(
      await must(installed, download, { directory: tmpdir(), timeoutMs: 600_000 }),
    ) as { Dir: string }
    await must('cp', ['-r', '--no-preserve=mode', `${Dir}/.`, place])
    for (const folder of [
      'bin',
      join('pkg', 'tool', `linux_${architectures[process.arch] ?? process.arch}`),
    ]) {
      for (const program of readdirSync(join(place, folder))) chmodSync(join(place, folder, program), 0o755)
    }
  })
  return join(directory, 'bin', 'go')
}
