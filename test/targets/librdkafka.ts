/** librdkafka's Python binding, installed once into an environment of its own in .cache/. */
import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryRoot } from './kafka-jars.ts'
import { run } from './processes.ts'

const version = '2.16.1'
const environment = join(repositoryRoot, '.cache', `confluent-kafka-${version}`)

/** The Python interpreter that has the binding; exists once it was prepared. */
export const python = join(environment, 'bin', 'python3')

/** Safe to call from several processes at once: the environment appears by rename. */
export async function prepareLibrdkafka(): Promise<void> {
  if (existsSync(python)) return
  const fresh = `${environment}-${process.pid}`
  await must('python3', ['-m', 'venv', fresh])
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary=:all:']
  await must(join(fresh, 'bin', 'python3'), [...install, `confluent-kafka==${version}`])
  try {
    renameSync(fresh, environment)
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    if (!existsSync(python)) throw error // else somebody else was first
  }
}

async function must(command: string, args: readonly string[]): Promise<void> {
  const { exit, stdout, stderr } = await run(command, args, { timeoutMs: 180_000 })
  if (exit !== 0) throw new Error(`${command} ${args.join(' ')}: ${(stdout + stderr).slice(-2_000)}`)
}
