/**
 * Prepares what needs the internet (Kafka's jars, librdkafka's Python binding), then runs a command in network, mount and
 * process namespaces of its own. When the command ends or dies, the kernel ends every process in them and removes their
 * networks and mounts, and this removes their files: nothing is left on the machine.
 *   node test/cluster/isolated.ts COMMAND ARGUMENT...
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareKafkaJava } from '../targets/kafka-jars.ts'
import { prepareLibrdkafka } from '../targets/librdkafka.ts'

const [command, ...args] = process.argv.slice(2)
if (command === undefined) throw new Error('Usage: node test/cluster/isolated.ts COMMAND ARGUMENT...')
await prepareKafkaJava()
await prepareLibrdkafka()

/** Names of networks are files in /run/netns: there they are this run's alone. */
const inside = 'ip link set lo up && mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && exec "$@"'
const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
const namespaces = [...asRoot, '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
const directory = mkdtempSync(join(tmpdir(), 'barnabas-isolated-'))
const child = spawn('unshare', [...namespaces, '--', 'sh', '-c', inside, 'sh', command, ...args], {
  stdio: 'inherit',
  env: { ...process.env, TEST_ISOLATED: '1', TMPDIR: directory },
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill('SIGKILL'))
const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
rmSync(directory, { recursive: true, force: true })
if (signal !== null) process.stderr.write(`${command} was ended by ${signal}.\n`)
process.exitCode = code ?? 1
