// Makes `npm start` and `npm test` work in a clone that nothing was done in yet.
//   node scripts/install.mjs run    packages that running needs
//   node scripts/install.mjs test   those, the development packages, and the Debian packages that tests call
// Depends on nothing but Node >= 20 and npm. With nothing to do it costs a few milliseconds: npm's own record
// of what is installed (node_modules/.package-lock.json) is the stamp that is compared with package-lock.json.
// An installation for tests also satisfies `run`.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const mode = process.argv[2]

/** Programs that `npm test` calls, and the Debian package each comes from. */
const debianPackages = [
  { program: 'kcat', debianPackage: 'kcat' },
  { program: 'etcd', debianPackage: 'etcd-server' },
  { program: 'openssl', debianPackage: 'openssl' },
]

if (mode !== 'run' && mode !== 'test') {
  fail('Usage: node scripts/install.mjs run | test')
}
installNpmPackages()
if (mode === 'test') installDebianPackages()

function installNpmPackages() {
  const wanted = packagesOf(join(root, 'package-lock.json'))
  if (wanted === null) fail('package-lock.json is missing or not readable: this clone is not complete.')
  const installed = packagesOf(join(root, 'node_modules', '.package-lock.json'))
  const withDevelopment = mode === 'test' || hasDevelopmentPackages(installed)
  if (installed !== null && firstMissing(wanted, installed, withDevelopment) === null) return checkNode()

  say(
    withDevelopment ? 'Installing packages (npm ci)…' : 'Installing packages (npm ci), the first time only…',
  )
  const options = ['ci', '--no-audit', '--no-fund', '--loglevel=error', '--progress=false']
  if (!withDevelopment) options.push('--omit=dev')
  const npm = spawnSync('npm', options, { cwd: root, encoding: 'utf8', env: npmEnvironment() })
  if (npm.error !== undefined) fail(`npm could not be started (${npm.error.message}): is it on the PATH?`)
  if (npm.status !== 0) fail(npmFailure(`${npm.stdout}\n${npm.stderr}`))

  const now = packagesOf(join(root, 'node_modules', '.package-lock.json'))
  const missing = now === null ? 'everything' : firstMissing(wanted, now, withDevelopment)
  if (missing !== null)
    fail(`npm ci ended well but did not install ${missing}. Try: rm -rf node_modules && npm ci`)
  checkNode()
  warmCompileCache()
}

/** The first start is then as fast as the later ones. Failing to do so is no harm: the programs do it themselves. */
function warmCompileCache() {
  const node24 = join(root, 'node_modules', '.bin', 'node')
  spawnSync(
    existsSync(node24) ? node24 : process.execPath,
    [join(root, 'scripts', 'warm-compile-cache.mjs')],
    {
      cwd: root,
    },
  )
}

/** path -> entry of a lock file, or null when there is none that can be read. */
function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages ?? null
  } catch {
    return null
  }
}

function hasDevelopmentPackages(installed) {
  return installed !== null && Object.values(installed).some(entry => entry.dev === true)
}

/** Name of the first package that is wanted here and not installed in that version; null when all are there. */
function firstMissing(wanted, installed, withDevelopment) {
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/')) continue // the root and the workspaces themselves
    if (entry.dev === true && !withDevelopment) continue
    const present = installed[path]
    if (present === undefined) {
      if (entry.optional === true || entry.devOptional === true) continue // another platform's, or not loadable here
      return path
    }
    if (present.version !== entry.version || present.integrity !== entry.integrity) return path
  }
  const nodePackage = join(root, 'node_modules', `node-${process.platform}-${process.arch}`)
  if (
    wanted[`node_modules/node-${process.platform}-${process.arch}`] !== undefined &&
    !existsSync(nodePackage)
  ) {
    return `node-${process.platform}-${process.arch}`
  }
  return null
}

/** npm's own settings, inherited from the npm that called us, must not leave packages out or put them elsewhere. */
function npmEnvironment() {
  const environment = { ...process.env }
  for (const name of Object.keys(environment)) {
    if (/^npm_config_(omit|include|only|production|global|workspace|workspaces|prefix)$/i.test(name)) {
      delete environment[name]
    }
  }
  delete environment.NODE_ENV // 'production' would leave the development packages out
  return environment
}

/** npm scripts find Node 24 in node_modules/.bin; on platforms without such a package the machine's own must do. */
function checkNode() {
  if (existsSync(join(root, 'node_modules', '.bin', 'node'))) return
  const major = Number(process.versions.node.split('.')[0])
  if (major >= 24) return
  fail(
    `Barnabas runs on Node 24 or newer; here is Node ${process.versions.node}, and npm has no Node 24 package for ` +
      `${process.platform} ${process.arch}. Install Node 24 and try again.`,
  )
}

function npmFailure(output) {
  const lastLines = output.trim().split('\n').slice(-15).join('\n')
  if (
    /ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ENOTCACHED/.test(output)
  ) {
    return `${lastLines}\n\nThe npm registry cannot be reached from here. Packages are fetched once: connect this machine to the network and try again.`
  }
  if (/EACCES|EPERM|EROFS/.test(output)) {
    return `${lastLines}\n\nnpm may not write to ${root}. Run this as the user who owns the folder.`
  }
  if (/ENOSPC/.test(output)) return `${lastLines}\n\nThe disk is full.`
  return `${lastLines}\n\nnpm ci failed; what it said is above.`
}

function installDebianPackages() {
  const missing = debianPackages.filter(({ program }) => !isOnPath(program)).map(entry => entry.debianPackage)
  if (missing.length === 0) return
  const byHand = `Some tests need ${missing.join(' ')}: install it with  apt-get install ${missing.join(' ')}`
  if (!isOnPath('apt-get')) return say(`${byHand}  (or your system's counterpart).`)
  const become = asRoot()
  if (become === null) return say(byHand)

  say(`Installing ${missing.join(' ')} (apt-get)…`)
  const apt = argument => {
    const [program, ...before] = [...become, 'apt-get']
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    return spawnSync(program, [...before, ...argument], { encoding: 'utf8', env: environment })
  }
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...missing]
  let result = apt(install)
  if (result.status !== 0) {
    apt(['update', '-qq'])
    result = apt(install)
  }
  if (result.status !== 0) {
    say(`${result.stderr.trim().split('\n').slice(-5).join('\n')}\napt-get failed. ${byHand}`)
  }
}

/** The words to put before a command so that it runs as root; null when we may not become root without asking. */
function asRoot() {
  if (process.getuid?.() === 0) return []
  if (isOnPath('sudo') && spawnSync('sudo', ['-n', 'true']).status === 0) return ['sudo', '-n']
  return null
}

function isOnPath(program) {
  return (process.env.PATH ?? '').split(':').some(folder => {
    try {
      const file = statSync(join(folder, program))
      return file.isFile() && (file.mode & 0o111) !== 0
    } catch {
      return false
    }
  })
}

/** stderr: what `npm start` prints on stdout stays the program's own. */
function say(sentence) {
  process.stderr.write(`${sentence}\n`)
}

function fail(sentence) {
  say(sentence)
  process.exit(1)
}
