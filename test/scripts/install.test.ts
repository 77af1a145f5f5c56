import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const script = join(import.meta.dirname, '..', '..', 'scripts', 'install.mjs')
const runtimePackage = { version: '1.0.0', integrity: 'sha512-a' }
const developmentPackage = { version: '2.0.0', integrity: 'sha512-b', dev: true }
const elsewhere = { version: '3.0.0', optional: true, os: ['darwin'] }

/** A repository of its own, with programs on the PATH that only write down how they were called. */
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'install-'))
  mkdirSync(join(root, 'scripts'))
  mkdirSync(join(root, 'programs'))
  copyFileSync(script, join(root, 'scripts', 'install.mjs'))
  writePackages('package-lock.json', {
    '': {},
    broker: { version: '0.1.0' },
    'node_modules/needed': runtimePackage,
    'node_modules/for-tests': developmentPackage,
    'node_modules/of-another-platform': elsewhere,
  })
})
afterEach(() => rmSync(root, { recursive: true }))

function writePackages(file: string, packages: Record<string, object>): void {
  writeFileSync(join(root, file), JSON.stringify({ lockfileVersion: 3, packages }))
}

function installed(packages: Record<string, object>): void {
  mkdirSync(join(root, 'node_modules'), { recursive: true })
  writePackages('node_modules/.package-lock.json', packages)
}

/** Puts a program on the PATH: it notes its arguments and does `then`. */
function program(name: string, then = ''): void {
  const path = join(root, 'programs', name)
  writeFileSync(path, `#!/bin/sh\necho "${name} $*" >> '${root}/calls'\n${then}\n`)
  chmodSync(path, 0o755)
}

function calls(): string[] {
  try {
    return readFileSync(join(root, 'calls'), 'utf8').trimEnd().split('\n')
  } catch {
    return []
  }
}

function install(mode: string) {
  const result = spawnSync(process.execPath, [join(root, 'scripts', 'install.mjs'), mode], {
    encoding: 'utf8',
    env: { PATH: `${root}/programs`, npm_config_omit: 'dev' },
  })
  return { exit: result.status, said: result.stderr }
}

const npmInstallsEverything = (withDevelopment: boolean): string => {
  const packages = { 'node_modules/needed': runtimePackage }
  const all = withDevelopment ? { ...packages, 'node_modules/for-tests': developmentPackage } : packages
  return `/bin/mkdir -p '${root}/node_modules'\necho '${JSON.stringify({ packages: all })}' > '${root}/node_modules/.package-lock.json'`
}

test('a new clone gets only what running needs, and a second start installs nothing', () => {
  program('npm', npmInstallsEverything(false))
  expect(install('run').exit).toBe(0)
  expect(calls()).toEqual(['npm ci --no-audit --no-fund --loglevel=error --progress=false --omit=dev'])
  expect(install('run')).toEqual({ exit: 0, said: '' })
  expect(calls()).toHaveLength(1)
})

test('tests get the development packages on top of an installation for running', () => {
  installed({ 'node_modules/needed': runtimePackage })
  program('npm', npmInstallsEverything(true))
  for (const needed of ['kcat', 'etcd', 'openssl']) program(needed)
  expect(install('test').exit).toBe(0)
  expect(calls()).toEqual(['npm ci --no-audit --no-fund --loglevel=error --progress=false'])
})

test('an installation for tests is enough for running, and is kept whole when a version changes', () => {
  installed({ 'node_modules/needed': runtimePackage, 'node_modules/for-tests': developmentPackage })
  program('npm', npmInstallsEverything(true))
  expect(install('run')).toEqual({ exit: 0, said: '' })
  expect(calls()).toEqual([])
  installed({
    'node_modules/needed': { ...runtimePackage, version: '0.9.0' },
    'node_modules/for-tests': developmentPackage,
  })
  expect(install('run').exit).toBe(0)
  expect(calls()[0]).not.toContain('--omit=dev')
})

test('without a network a sentence says so', () => {
  program('npm', 'echo "npm error code EAI_AGAIN" >&2; exit 1')
  const { exit, said } = install('run')
  expect(exit).toBe(1)
  expect(said).toContain('The npm registry cannot be reached from here.')
})

test('without npm, without a lock file or with a wrong word a sentence says so', () => {
  expect(install('run')).toMatchObject({ exit: 1, said: expect.stringContaining('npm could not be started') })
  rmSync(join(root, 'package-lock.json'))
  expect(install('run')).toMatchObject({
    exit: 1,
    said: expect.stringContaining('package-lock.json is missing'),
  })
  expect(install('walk')).toMatchObject({ exit: 1, said: expect.stringContaining('Usage:') })
})

test('a missing Debian package is installed where apt-get is, else named', () => {
  installed({ 'node_modules/needed': runtimePackage, 'node_modules/for-tests': developmentPackage })
  program('openssl')
  expect(install('test')).toMatchObject({
    exit: 0,
    said: expect.stringContaining('Some tests need kcat etcd-server'),
  })
  const made = ['kcat', 'etcd'].map(name => `'${root}/programs/${name}'`).join(' ')
  program('apt-get', `for made in ${made}; do printf '#!/bin/sh\\n' > "$made"; /bin/chmod +x "$made"; done`)
  program('sudo', 'shift; "$@"')
  expect(install('test').exit).toBe(0)
  expect(calls().filter(call => call.startsWith('apt-get'))).toEqual([
    'apt-get install -y -qq --no-install-recommends kcat etcd-server',
  ])
  expect(install('test')).toEqual({ exit: 0, said: '' })
})
