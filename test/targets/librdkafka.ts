/** librdkafka as PyPI's confluent-kafka wheel carries it, installed once into .cache/ and kept between runs. */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { repositoryRoot } from './kafka-jars.ts'
import { run } from './processes.ts'

const version = '2.16.1'
const place = join(repositoryRoot, '.cache', `confluent-kafka-${version}`)

/** The Python that has it, for `new RunningProcess(python, […])`. Safe to call from several processes at once. */
export async function prepareLibrdkafka(): Promise<string> {
  const python = join(place, 'bin', 'python')
  if (existsSync(python)) return python
  const fresh = `${place}-${process.pid}`
  mkdirSync(dirname(place), { recursive: true })
  await succeed('python3', ['-m', 'venv', fresh])
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
  await succeed(join(fresh, 'bin', 'python'), [...install, `confluent-kafka==${version}`])
  try {
    renameSync(fresh, place)
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    if (!existsSync(python)) throw error // else somebody else was first
  }
  return python
}

async function succeed(command: string, args: readonly string[]): Promise<void> {
  const { exit, stdout, stderr } = await run(command, args, { timeoutMs: 180_000 })
  if (exit !== 0) throw new Error(`${command} ${args.join(' ')}: ${(stdout + stderr).slice(-2_000)}`)
}
