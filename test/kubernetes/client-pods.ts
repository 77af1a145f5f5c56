/** Pods that are clients: they try whether they get a connection, and use a cluster by kafkajs. */
import { readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Fixture } from './fixture.ts'
import type { Kubernetes } from './kubernetes.ts'

export interface PodName {
  readonly namespace: string
  readonly pod: string
}

const node = '/usr/local/bin/node'
/** A dropped packet is sent again after one second and after three. */
const connectMs = 4000

/** Resolves when it is ready. It listens on port 8000. */
export async function startClientPod(
  { kubernetes, namespace, image }: Fixture,
  pod: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<PodName> {
  const listen = 'require("node:net").createServer(one => one.end()).listen(8000)'
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod, labels },
    spec: {
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      containers: [
        {
          name: 'client',
          image,
          imagePullPolicy: kubernetes.way === 'kind' ? 'IfNotPresent' : 'Never',
          command: [node, '-e', listen],
          volumeMounts: [{ name: 'programs', mountPath: '/programs' }],
        },
      ],
      volumes: [{ name: 'programs', emptyDir: {} }],
    },
  }
  await kubernetes.apply(JSON.stringify(object), ['-n', namespace])
  await kubernetes.kubectl(['-n', namespace, 'wait', 'pod', pod, '--for=condition=Ready', '--timeout=60s'])
  return { namespace, pod }
}

/** How a connection to each HOST:PORT ended that was tried from inside a pod with Node: `connected`, `timeout`, or an error's code. */
export async function tryFrom(
  kubernetes: Kubernetes,
  { namespace, pod }: PodName,
  targets: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const exec = ['-n', namespace, 'exec', pod, '--', node, '-e', tryAll, ...targets]
  return JSON.parse(await kubernetes.kubectl(exec)) as Record<string, string>
}

/** A program for `node -e`; its arguments are the targets. */
export const tryAll = `
const { connect } = require('node:net')
Promise.all(process.argv.slice(1).map(target => new Promise(resolve => {
  const [host, port] = target.split(':')
  const done = how => { socket.destroy(); resolve([target, how]) }
  const socket = connect({ host, port: Number(port), timeout: ${connectMs} })
  socket.on('connect', () => done('connected')).on('timeout', () => done('timeout')).on('error', error => done(error.code))
}))).then(all => console.log(JSON.stringify(Object.fromEntries(all))))`

/** What `kafkajs-in-pod.ts` prints in a pod of `startClientPod`. */
export async function kafkajsIn(
  kubernetes: Kubernetes,
  { namespace, pod }: PodName,
  args: readonly string[],
): Promise<string> {
  const exec = (...command: readonly string[]): readonly string[] => [
    '-n',
    namespace,
    'exec',
    '-i',
    pod,
    '--',
    node,
    ...command,
  ]
  await kubernetes.kubectl(exec('-e', unpack), { input: JSON.stringify(programs()) })
  return (await kubernetes.kubectl(exec('/programs/kafkajs-in-pod.ts', ...args))).trim()
}

const unpack = `
const { mkdirSync, readFileSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
for (const [name, content] of Object.entries(JSON.parse(readFileSync(0, 'utf8')))) {
  mkdirSync(dirname(join('/programs', name)), { recursive: true })
  writeFileSync(join('/programs', name), content)
}`

/** By their names in the pod. kafkajs needs no other package. */
function programs(): Readonly<Record<string, string>> {
  const root = dirname(createRequire(import.meta.url).resolve('kafkajs/package.json'))
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(name =>
    /\.js(on)?$/.test(name),
  )
  const read = (file: string): string => readFileSync(file, 'utf8')
  return {
    'package.json': '{"type":"module"}',
    'kafkajs-in-pod.ts': read(join(import.meta.dirname, 'kafkajs-in-pod.ts')),
    ...Object.fromEntries(files.map(name => [join('node_modules', 'kafkajs', name), read(join(root, name))])),
  }
}
