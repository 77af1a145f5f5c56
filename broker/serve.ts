import { readFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { parseArgs } from 'node:util'
import { systemClock } from '../runtime/clock.ts'
import { EndOfTurn } from '../runtime/end-of-turn.ts'
import { createLogger, type Logger } from '../runtime/logger.ts'
import { systemRandom } from '../runtime/random.ts'
import { Broker } from './broker.ts'
import { loadBrokerSettings, type ValidSettings } from './config/load-settings.ts'
import { systemDisk } from './log/disk.ts'

/** Loads the settings, runs the broker and ends the process when it stops or fails. */
export async function main(): Promise<void> {
  const loaded = load()
  const logger = createLogger(loaded.settings['log.level'], { broker: loaded.settings['node.id'] })
  for (const note of loaded.notes) logger.warn(note)
  process.on('uncaughtException', error => endBecauseOf(error, logger))
  process.on('unhandledRejection', error => endBecauseOf(error, logger))
  await serve(loaded, logger)
}

function load(): ValidSettings {
  const { values } = parseArgs({ options: { config: { type: 'string' } } })
  const path = values.config
  const result = loadBrokerSettings({
    ...(path === undefined ? {} : { file: { name: path, text: readFileSync(path, 'utf8') } }),
    environment: process.env,
  })
  if (result.kind === 'valid') return result
  process.stderr.write(
    `The settings have mistakes:\n${result.mistakes.map(mistake => `  ${mistake}\n`).join('')}`,
  )
  process.exit(2)
}

async function serve(settings: ValidSettings, log: Logger): Promise<void> {
  const startedAtMs = performance.now()
  const stopAsked = Promise.withResolvers<NodeJS.Signals>()
  const stopping = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      stopAsked.resolve(signal)
      stopping.abort(new Error(`The start was ended by ${signal}.`))
    })
  }
  try {
    const broker = await Broker.start({
      loaded: settings,
      clock: systemClock,
      random: systemRandom,
      disk: systemDisk,
      turn: new EndOfTurn(),
      logger: log,
      onFatal: error => endBecauseOf(error, log),
      stopAsked: stopping.signal,
    })
    log.info(
      {
        clusterId: broker.clusterId,
        listeners: broker.listeners.map(({ name, host, port }) => `${name}://${host}:${port}`),
        httpPorts: broker.httpPorts,
        control: broker.controlAddress,
        tookMs: Math.round(performance.now() - startedAtMs),
      },
      'The broker serves clients.',
    )
    // Now, not at the end: the process may be killed, and its next start is to be as fast.
    flushCompileCache()
    const signal = await stopAsked.promise
    log.info({ signal }, 'The broker stops.')
    await broker.stop()
    log.info('The broker has stopped.')
    process.exit(0)
  } catch (error) {
    if (error !== stopping.signal.reason) endBecauseOf(error, log)
    log.info(stopping.signal.reason.message)
    process.exit(0)
  }
}

function endBecauseOf(error: unknown, log: Logger): never {
  log.fatal({ err: error }, error instanceof Error ? error.message : 'The broker has failed.')
  process.exit(1)
}
