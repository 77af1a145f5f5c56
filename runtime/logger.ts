import { type Logger, pino } from 'pino'

export type { Logger }

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'

/** One JSON line an event on standard output: a constant sentence plus fields. */
export function createLogger(level: LogLevel, fields: Readonly<Record<string, unknown>> = {}): Logger {
  return pino({
    level,
    base: fields,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }) },
  })
}

/** For tests and for parts that were given no logger. */
export const silentLogger: Logger = pino({ level: 'silent' })
