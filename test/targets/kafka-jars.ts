/**
 * Apache Kafka's jars, fetched once by Maven into .cache/, and the few Java programs of ours that drive Kafka's
 * clients, compiled beside them. Both are kept between runs and rebuilt when the pom or a source changes.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './processes.ts'

export const kafkaVersion = '4.3.1'
export const repositoryRoot = join(import.meta.dirname, '..', '..')
const cache = join(repositoryRoot, '.cache', `kafka-${kafkaVersion}`)
const sources = join(import.meta.dirname, 'java')

export interface KafkaJava {
  /** For `java -cp`: Kafka's jars and our compiled programs. */
  readonly classPath: string
}

/** Fetches and compiles what is missing. Safe to call from several processes at once: results appear by rename. */
export async function prepareKafkaJava(): Promise<KafkaJava> {
  const jars = join(cache, 'jars')
  if (!existsSync(jars)) {
    const fresh = join(cache, `jars-${process.pid}`)
    const pom = join(sources, 'pom.xml')
    const fetch = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${fresh}`]
    const maven = await run('mvn', fetch, { timeoutMs: 300_000 })
    if (maven.exit !== 0) {
      throw new Error(`Maven could not fetch Kafka's jars: ${(maven.stdout + maven.stderr).slice(-2_000)}`)
    }
    moveInto(jars, fresh)
  }

  const programs = readdirSync(sources)
    .filter(name => name.endsWith('.java'))
    .sort()
    .map(name => join(sources, name))
  const hash = createHash('sha256')
  for (const program of programs) hash.update(readFileSync(program))
  const classes = join(cache, `classes-${hash.digest('hex').slice(0, 12)}`)
  if (!existsSync(classes)) {
    const fresh = join(cache, `classes-${process.pid}`)
    mkdirSync(fresh, { recursive: true })
    const javac = await run('javac', ['-cp', join(jars, '*'), '-d', fresh, ...programs], {
      timeoutMs: 120_000,
    })
    if (javac.exit !== 0) throw new Error(`javac: ${javac.stderr.slice(-4_000)}`)
    moveInto(classes, fresh)
  }
  return { classPath: `${classes}:${join(jars, '*')}` }
}

function moveInto(place: string, fresh: string): void {
  try {
    renameSync(fresh, place)
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    if (!existsSync(place)) throw error // else somebody else was first
  }
}
