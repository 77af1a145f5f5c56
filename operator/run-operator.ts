import { hostname } from 'node:os'
import { systemClock } from '../runtime/clock.ts'
import { createLogger, type Logger } from '../runtime/logger.ts'
import { systemRandom } from '../runtime/random.ts'
import { Operator } from './operator.ts'
import { loadAccess } from './kube/credentials.ts'
import { readOperatorSettings } from './operator-settings.ts'

/** Reads the settings, runs the operator, and ends the process when it stops or fails. */
export async function main(): Promise<void> {
  const { settings, mistakes } = readOperatorSettings(process.env, `${hostname()}-${process.pid}`)
  if (mistakes.length > 0) {
    process.stderr.write(`The operator cannot start:\n${mistakes.map(mistake => `  ${mistake}\n`).join('')}`)
    process.exit(2)
  }
  const logger = createLogger(settings.logLevel)
  process.on('uncaughtException', error => endBecauseOf(error, logger))
  process.on('unhandledRejection', error => endBecauseOf(error, logger))
  const stopAsked = Promise.withResolvers<NodeJS.Signals>()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopAsked.resolve(signal))
  try {
    const access = await loadAccess(process.env, systemClock)
    const starting = Operator.start({ settings, access, clock: systemClock, random: systemRandom, logger })
    const operator = await Promise.race([starting, stopAsked.promise])
    // It may wait for the API server for long, and has written nothing yet.
    if (typeof operator === 'string') process.exit(0)
    const ended = await Promise.race([stopAsked.promise, operator.lost().then(() => 'lost' as const)])
    // Another leads already, so nothing may be written any more.
    if (ended === 'lost') process.exit(1)
    logger.info({ signal: ended }, 'The operator stops.')
    await operator.stop()
    process.exit(0)
  } catch (error) {
    endBecauseOf(error, logger)
  }
}

function endBecauseOf(error: unknown, logger: Logger): never {
  logger.fatal({ err: error }, error instanceof Error ? error.message : 'The operator has failed.')
  process.exit(1)
}
