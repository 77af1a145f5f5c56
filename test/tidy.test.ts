/**
 * The rules of the repository itself: who may import whom, where tests stand, how big files get, what never stands in
 * code. A rule is a table here; an exception to one is a line with its reason.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const sources = walk('.')

// ---- who may import whom ----

/** Top folder → top folders it may import. Tests may import everything; nothing imports test. */
const topArrows: Record<string, readonly string[]> = {
  runtime: [],
  protocol: ['runtime'],
  client: ['protocol', 'runtime'],
  broker: ['client', 'protocol', 'runtime'],
  operator: ['broker', 'client', 'protocol', 'runtime'],
  cli: ['operator', 'client', 'protocol', 'runtime'],
  scripts: ['operator', 'packaging'],
}

/** Where one top folder enters another. Files of runtime are imported one by one; other folders have a door. */
const doors: Record<string, RegExp> = {
  runtime: /^runtime\/[\w-]+\.ts$/,
  protocol: /^protocol\/index\.ts$/,
  client: /^client\/(index|connection\/[\w-]+)\.ts$/,
  broker: /^broker\/(config\/[\w-]+|control\/(control-(api|client)|broker-status))\.ts$/,
  operator: /^operator\/(index|resources\/[\w-]+)\.ts$/,
  packaging: /^packaging\/[\w-]+\/generated-files\.ts$/,
}

/** Folder of the broker → folders of the broker it may import, besides itself, config and metrics. */
const brokerArrows: Record<string, readonly string[]> = {
  network: ['api'],
  api: [
    'controller',
    'groups',
    'transactions',
    'coordinator',
    'replication',
    'metadata',
    'auth',
    'quotas',
    'log', // types of what is read and appended
  ],
  groups: ['coordinator', 're2', 'metadata'],
  re2: [],
  transactions: ['coordinator', 'peers'],
  coordinator: ['replication', 'metadata'],
  controller: ['metadata'],
  replication: ['log', 'metadata', 'peers'],
  peers: ['metadata'],
  auth: ['metadata'],
  quotas: ['metadata'],
  metadata: ['log'], // disk.ts alone: see below
  log: [],
  http: [],
  control: ['metadata', 'controller'],
  config: [],
  metrics: [],
}

/** Outside world → the only files that may import it. */
const onlyHere: readonly { readonly module: RegExp; readonly files: RegExp; readonly within: RegExp }[] = [
  {
    module: /^node:fs/,
    files: /^broker\/(log\/disk|log\/file-lock|config\/load-settings|main|serve)\.ts$/,
    within: /^broker\//,
  },
  {
    module: /^node:net$|^node:tls$/,
    files: /^broker\/(network\/|control\/control-(server|tls)\.ts)/,
    within: /^broker\//,
  },
  { module: /^@grpc\//, files: /^broker\/(control\/|metadata\/etcd-)/, within: /^broker\// },
  { module: /^etcd3/, files: /^broker\/metadata\/etcd-/, within: /^/ },
  { module: /^@kubernetes\//, files: /^operator\/kube\//, within: /^/ },
]

test('imports between top folders follow the arrows and enter by the door', () => {
  const wrong = imports().flatMap(({ file, target }) => {
    const from = top(file)
    const to = top(target)
    if (from === to || from === 'test') return []
    if (!(topArrows[from] ?? []).includes(to))
      return [`${file} imports ${target}: ${from} may not import ${to}`]
    return doors[to]?.test(target) ? [] : [`${file} imports ${target}: that is not a door of ${to}`]
  })
  expect(wrong).toEqual([])
})

test('imports inside the broker point one way', () => {
  const wrong = imports().flatMap(({ file, target }) => {
    const from = brokerFolder(file)
    const to = brokerFolder(target)
    if (from === null || to === null || from === to || to === 'config' || to === 'metrics') return []
    const allowed = (brokerArrows[from] ?? []).includes(to)
    const onlyDisk = from !== 'metadata' || target === 'broker/log/disk.ts'
    return allowed && onlyDisk ? [] : [`${file} imports ${target}: ${from} may not import ${to}`]
  })
  expect(wrong).toEqual([])
})

test('files, sockets, etcd and the API server are known to few', () => {
  const wrong = sources.flatMap(file => {
    const modules = importedNames(file)
    return onlyHere.flatMap(({ module, files, within }) =>
      within.test(file) && !files.test(file)
        ? modules.filter(name => module.test(name)).map(name => `${file} imports ${name}`)
        : [],
    )
  })
  expect(wrong).toEqual([])
})

// ---- tests mirror the source ----

/** Files from this many lines on have a test at the same path under test/. */
const linesThatNeedATest = 120

/** Path or beginning of a path → what tests it instead. */
const testedElsewhere: Record<string, string> = {
  'protocol/messages/':
    'declarations; test/protocol/vectors.test.ts and fuzz.test.ts run through all of them',
  'protocol/internal-records/': 'declarations; test/protocol/internal-records runs through them',
  'protocol/schema/': 'one compiler; test/protocol/schema and the vectors run it over every declaration',
  'protocol/records/lz4-frame.ts': 'test/protocol/records/compression.test.ts',
  'protocol/records/snappy-framing.ts': 'test/protocol/records/compression.test.ts',
  'broker/config/': 'tables of settings; the loading that reads them is tested',
  'broker/run-broker.ts': 'joins the parts; test/broker/broker.test.ts and test/compatibility run it',
  'broker/open-replication.ts': 'joins the parts; test/compatibility/cluster-tools.test.ts runs it',
  'broker/broker-metrics.ts': 'names and reads counters; test/broker/metrics tests what counts',
  'broker/log/load-replicas.ts': 'test/broker/log/log-directories.test.ts and recovery.test.ts',
  'broker/log/log-directory.ts': 'test/broker/log/log-directories.test.ts',
  'broker/control/admin-messages.ts':
    'declarations; test/broker/control/proto-codec.test.ts runs through all of them',
  'broker/control/broker-messages.ts':
    'declarations; test/broker/control/proto-codec.test.ts runs through all of them',
  'broker/control/command-messages.ts':
    'declarations; test/broker/control/proto-codec.test.ts runs through all of them',
  'broker/control/proto-': 'one codec; test/broker/control/proto-codec.test.ts',
  'broker/control/control-client.ts': 'test/broker/control/control-server.test.ts',
  'broker/control/control-api.ts': 'test/broker/control/forwarding-controller.test.ts',
  'broker/controller/restart-risks.ts': 'test/broker/controller/restart-grants.test.ts plays it',
  'broker/controller/controller-client.ts': 'an interface and its types',
  'broker/api/alter-configs.ts': 'test/compatibility, with kafka-configs, kafkajs and @platformatic/kafka',
  'broker/api/describe-configs.ts': 'test/compatibility, with kafka-configs, kafkajs and @platformatic/kafka',
  'broker/api/fetch.ts': 'test/compatibility, with five clients; its sessions have a test of their own',
  'broker/api/read-partitions.ts': 'test/compatibility, with five clients',
  'broker/api/list-offsets.ts': 'test/compatibility, with five clients',
  'broker/api/metadata.ts': 'test/compatibility, with five clients',
  'broker/groups/classic-members-of-consumer-group.ts':
    'played by test/broker/groups/consumer-group-scripts.test.ts and -simulation.test.ts',
  'broker/groups/consumer-commands.ts':
    'played by test/broker/groups/consumer-group-scripts.test.ts and -simulation.test.ts',
  'broker/groups/consumer-group-records.ts':
    'played by test/broker/groups/consumer-group-scripts.test.ts and -simulation.test.ts',
  'broker/groups/consumer-group.ts':
    'played by test/broker/groups/consumer-group-scripts.test.ts and -simulation.test.ts',
  'broker/groups/consumer-heartbeat.ts':
    'played by test/broker/groups/consumer-group-scripts.test.ts and -simulation.test.ts',
  'broker/groups/consumer-member.ts':
    'played by test/broker/groups/consumer-group-scripts.test.ts and -simulation.test.ts',
  'broker/groups/consumer-members.ts':
    'played by test/broker/groups/consumer-group-scripts.test.ts and -simulation.test.ts',
  'broker/groups/consumer-step.ts':
    'played by test/broker/groups/consumer-group-scripts.test.ts and -simulation.test.ts',
  'broker/groups/reconcile-member.ts':
    'played by test/broker/groups/consumer-group-scripts.test.ts and -simulation.test.ts',
  'broker/groups/uniform-assignor.ts': 'test/broker/groups/assignors.test.ts',
  'operator/desired/': 'rendered by test/operator/desired/golden.test.ts',
  'operator/reconcile/broker-steps.ts':
    'whole lives of a Cluster in test/operator/reconcile/reconcile-cluster.test.ts',
  'operator/reconcile/cluster-status.ts':
    'whole lives of a Cluster in test/operator/reconcile/reconcile-cluster.test.ts',
  'operator/reconcile/etcd.ts':
    'whole lives of a Cluster in test/operator/reconcile/reconcile-cluster.test.ts',
  'operator/controllers/cluster-controller.ts': 'test/operator/operator.test.ts, and test/kubernetes',
  'operator/controllers/topic-controller.ts': 'test/operator/operator.test.ts, and test/kubernetes',
  'operator/controllers/kube-cache.ts': 'test/operator/operator.test.ts',
  'broker/re2/': 'one engine; test/broker/re2/regular-expression.test.ts',
}

test('every source file of some size has its test at the mirrored path', () => {
  const excused = Object.keys(testedElsewhere)
  const missing = sources
    .filter(
      file =>
        /^(runtime|protocol|client|broker|operator|cli)\/.*\.ts$/.test(file) && !file.endsWith('/index.ts'),
    )
    .filter(file => lineCount(file) >= linesThatNeedATest && !excused.some(path => file.startsWith(path)))
    .filter(file => !existsSync(join(root, 'test', file.replace(/\.ts$/, '.test.ts'))))
  expect(missing).toEqual([])
})

test('every test stands in the folder that mirrors its source', () => {
  const astray = sources
    .filter(file => /^test\/(runtime|client|broker|operator|cli)\/.*\.test\.ts$/.test(file))
    .filter(file => !existsSync(join(root, dirname(file.slice('test/'.length)))))
  expect(astray).toEqual([])
})

// ---- sizes ----

const longestFile = 420

/** Longer files, and why they are not two. */
const longFiles: Record<string, string> = {
  'broker/re2/parse.ts': 'one grammar, rule by rule; a cut would hand the cursor back and forth',
  'test/broker/log/recovery.test.ts': 'one machine under every kind of failure; the cases share their set-up',
}

test('no file grows past what one can read in one go', () => {
  const tooLong = sources
    .filter(file => file.endsWith('.ts') || file.endsWith('.mjs'))
    .filter(file => lineCount(file) > longestFile && longFiles[file] === undefined)
    .map(file => `${file}: ${lineCount(file)} lines`)
  expect(tooLong).toEqual([])
  const shortAgain = Object.keys(longFiles).filter(file => lineCount(file) <= longestFile)
  expect(shortAgain, 'these need no exception any more').toEqual([])
})

// ---- what never stands in code ----

interface Ban {
  readonly what: string
  readonly pattern: RegExp
  readonly where: RegExp
  /** Files that may, and why. */
  readonly except?: Record<string, string>
}

const bans: readonly Ban[] = [
  {
    what: 'a test that sleeps',
    pattern: /\bsetTimeout\s*\(|\bsetInterval\s*\(|\bsetTimeout as |\bsleep\s*\(|Atomics\.wait\b/,
    where: /^test\//,
    except: {
      'test/targets/processes.ts': 'asks a process again and again until a condition holds, with a deadline',
      'test/cluster/let-pass.ts': 'how long a fault lasts is what is tested',
      'test/benchmarks/bench.ts': 'waits until the machine is quiet before it measures',
      'test/benchmarks/start.ts': 'lets a broker be idle before its memory is measured',
      'test/support/until.ts': 'waits for a condition of real input and output, with a deadline',
      'test/runtime/clock.test.ts': 'tests the clock itself',
      'test/kubernetes/load.ts': 'not a test but a load, which keeps its pace',
      'test/kubernetes/kafkajs-clients.ts': 'not a test but a load, which keeps its pace',
      'test/kubernetes/start-and-wait.ts': 'lives until it is killed: it is not a test but what one kills',
    },
  },
  {
    what: 'a test left out or singled out',
    pattern: /\b(it|test|describe)\.(skip|only|todo|skipIf|runIf)\b/,
    where: /^test\//,
  },
  {
    what: 'work put off in a comment',
    pattern: /\b(TODO|FIXME|XXX|HACK)\b/,
    where: /\.(ts|mjs|md|yaml|java|sh)$/,
  },
  {
    what: 'a check switched off',
    pattern: /@ts-(ignore|nocheck|expect-error)|biome-ignore/,
    where: /\.(ts|mjs)$/,
  },
  {
    what: 'a path of one machine',
    pattern: /(^|[\s"'`(=])\/(home|Users|root|work|mnt)\//m,
    where: /\.(ts|mjs|md|json|yaml|sh|java)$/,
  },
  {
    what: 'time or chance that does not come in through a door',
    pattern: /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|(?<![.#\w])set(Timeout|Interval)\(/,
    where: /^(runtime|protocol|client|broker|operator\/(reconcile|desired|controllers))\//,
    except: { 'runtime/clock.ts': 'the door for time', 'runtime/random.ts': 'the door for chance' },
  },
  { what: 'a default export', pattern: /^export default\b/m, where: /(?<!\.config)\.(ts|mjs)$/ },
]

test.each(bans)('nowhere stands $what', ({ pattern, where, except = {} }) => {
  const found = sources
    .filter(file => where.test(file) && except[file] === undefined && file !== 'test/tidy.test.ts')
    .filter(file => pattern.test(text(file)))
  expect(found).toEqual([])
})

// ---- documents ----

test('every top folder says in a README what it is', () => {
  const folders = new Set(sources.filter(file => file.includes('/')).map(top))
  const missing = [...folders].filter(folder => !existsSync(join(root, folder, 'README.md')))
  expect(missing).toEqual([])
})

test('a README names only files that are there', () => {
  const wrong = sources
    .filter(file => file.endsWith('README.md') && file !== 'README.md')
    .flatMap(file =>
      [...text(file).matchAll(/^\| `([\w./-]+\.(?:ts|mjs|md|proto))`/gm)]
        .map(match => join(dirname(file), match[1] ?? ''))
        .filter(path => !existsSync(join(root, path)))
        .map(path => `${file} names ${path}`),
    )
  expect(wrong).toEqual([])
})

// ---- reading the tree ----

function walk(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name)
    if (entry.name.startsWith('.') || ['node_modules', 'dist', 'data', 'target'].includes(entry.name))
      return []
    if (entry.isDirectory()) return walk(path)
    return /\.(ts|mjs|md|json|yaml|sh|java|proto)$/.test(entry.name) ? [path] : []
  })
}

function text(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

function lineCount(file: string): number {
  return text(file).trimEnd().split('\n').length
}

function top(file: string): string {
  return file.split('/')[0] ?? ''
}

/** 'broker/log/segment.ts' → 'log'; null outside the broker's folders (main.ts may import everything). */
function brokerFolder(file: string): string | null {
  return /^broker\/([\w-]+)\//.exec(file)?.[1] ?? null
}

function importedNames(file: string): string[] {
  if (!file.endsWith('.ts') && !file.endsWith('.mjs')) return []
  return [
    ...text(file).matchAll(
      /^(?:import|export)\b[^'"]*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm,
    ),
  ].map(match => match[1] ?? match[2] ?? match[3] ?? '')
}

interface Import {
  readonly file: string
  readonly target: string
}

/** Every relative import, both ends as paths from the root. */
function imports(): Import[] {
  return sources.flatMap(file =>
    importedNames(file)
      .filter(name => name.startsWith('.'))
      .map(name => ({ file, target: relative(root, resolve(root, dirname(file), name)) })),
  )
}
