import { readFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { parseArgs } from 'node:util'
import { systemClock } from '../runtime/clock.ts'
import { EndOfTurn } from '../runtime/end-of-turn.ts'
import { createLogger, type Logger } from '../runtime/logger.ts'
import { systemRandom } from '../runtime/random.ts'
import { Broker } from './broker.ts'
import { loadBrokerSettings, type SettingsFile, type ValidSettings } from './config/load-settings.ts'
import { type RackFile, waitForRack } from './config/rack-file.ts'
import { systemDisk } from './log/disk.ts'

const longestRackWaitMs = 20_000
/** A broker that was told its rack before is most likely where it was. */
const shortRackWaitMs = 5000

/** Loads the settings, runs the broker and ends the process when it stops or fails. */
export async function main(): Promise<void> {
  const files = settingsFiles()
  const rack = await readRack(load(files))
  const loaded = rack.file === undefined ? load(files) : load([...files, rack.file])
  const logger = createLogger(loaded.settings['log.level'], { broker: loaded.settings['node.id'] })
  for (const note of [...loaded.notes, ...rack.notes]) logger.warn(note)
  process.on('uncaughtException', error => endBecauseOf(error, logger))
  process.on('unhandledRejection', error => endBecauseOf(error, logger))
  await serve(loaded, logger)
}

/** Those that `--config` names, in order. */
function settingsFiles(): readonly SettingsFile[] {
  const { values } = parseArgs({ options: { config: { type: 'string', multiple: true } } })
  return (values.config ?? []).map(name => ({ name, text: readFileSync(name, 'utf8') }))
}

/** What `broker.rack.file` says, as one more file. It is written from outside, and may come a little later. */
async function readRack({ settings }: ValidSettings): Promise<RackFile> {
  const path = settings['broker.rack.file']
  const otherwise = settings['broker.rack']
  return path === null
    ? { notes: [] }
    : waitForRack(path, {
        read: () => readFileSync(path, 'utf8'),
        clock: systemClock,
        withinMs: otherwise === null ? longestRackWaitMs : shortRackWaitMs,
        otherwise,
      })
}

function load(files: readonly SettingsFile[]): ValidSettings {
  const result = loadBrokerSettings({ files, environment: process.env })
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
