/**
 * The file system of the image: compiled programs, the packages they need to run, and Node. The Dockerfile puts it on a
 * base image; without one, the C libraries that Node needs are taken from this machine.
 */
import { execFile } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const repository = join(import.meta.dirname, '..', '..')
const programs = ['runtime', 'protocol', 'client', 'broker', 'operator', 'cli']

/** Of distroless images' `nonroot` user. */
export const imageUser = 65_532

/** `root` is an empty directory. Needs `npm run build` and the installed packages. */
export async function assembleRoot(root: string, withLibraries: boolean): Promise<void> {
  const app = join(root, 'app')
  copyPrograms(app)
  copyPackages(app)
  const { version } = readJson<{ version: string }>(join(repository, 'package.json'))
  writeFileSync(
    join(app, 'package.json'),
    `${JSON.stringify({ name: 'barnabas', version, type: 'module' })}\n`,
  )
  const node = join(root, 'usr', 'local', 'bin', 'node')
  mkdirSync(dirname(node), { recursive: true })
  copyFileSync(realpathSync(process.execPath), node)
  chmodSync(node, 0o755)
  if (withLibraries) await addSystem(root, [node, ...nativeAddons(app)])
}

/** Compiled files whose source is still there: what the compiler wrote for deleted files stays in dist/. */
function copyPrograms(app: string): void {
  for (const program of programs) {
    const compiled = join(repository, 'dist', program)
    if (!existsSync(compiled)) throw new Error(`dist/${program} is not there: run npm run build first.`)
    for (const file of filesBelow(compiled).filter(name => name.endsWith('.js'))) {
      const source = join(repository, program, file.replace(/\.js$/, '.ts'))
      if (existsSync(source)) copy(join(compiled, file), join(app, program, file))
    }
    for (const file of filesBelow(join(repository, program)).filter(name => name.endsWith('.proto'))) {
      copy(join(repository, program, file), join(app, program, file))
    }
  }
}

interface LockedPackage {
  readonly dev?: boolean
  readonly link?: boolean
}

/** What the lock file does not call a development package, without what only people and compilers read. */
function copyPackages(app: string): void {
  const { packages } = readJson<{ packages: Readonly<Record<string, LockedPackage>> }>(
    join(repository, 'package-lock.json'),
  )
  for (const [path, { dev, link }] of Object.entries(packages)) {
    const isOurs = !path.startsWith('node_modules/') || link === true
    const isNode = /^node_modules\/node(-bin-setup|-linux-\w+)?$/.test(path)
    if (isOurs || isNode || dev === true || !existsSync(join(repository, path))) continue
    cpSync(join(repository, path), join(app, path), {
      recursive: true,
      filter: from => {
        const inside = relative(join(repository, path), from)
        return !/(^|\/)node_modules(\/|$)/.test(inside) && !/\.(md|map|[cm]?ts|flow)$/.test(from)
      },
    })
  }
}

function nativeAddons(app: string): string[] {
  return filesBelow(app)
    .filter(name => name.endsWith('.node'))
    .map(name => join(app, name))
}

async function addSystem(root: string, binaries: readonly string[]): Promise<void> {
  const libraries = new Set<string>()
  for (const binary of binaries) {
    const { stdout } = await execute('ldd', [binary])
    for (const [library] of stdout.matchAll(/\/\S+\.so[.\d]*/g)) libraries.add(library)
  }
  for (const library of libraries) copy(library, join(root, library))
  const files: Readonly<Record<string, string>> = {
    'etc/passwd': `root:x:0:0:root:/:/sbin/nologin\nnonroot:x:${imageUser}:${imageUser}:nonroot:/tmp:/sbin/nologin\n`,
    'etc/group': `root:x:0:\nnonroot:x:${imageUser}:\n`,
    'etc/nsswitch.conf': 'hosts: files dns\n',
  }
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  mkdirSync(join(root, 'tmp'))
  chmodSync(join(root, 'tmp'), 0o1777)
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(realpathSync(from), to)
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(directory, join(entry.parentPath, entry.name)))
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T
}
