import { pino } from 'pino'
import type { Logger } from '../../runtime/logger.ts'

/** A logger whose lines can be read: fields, `level` as a word, and the sentence as `msg`. */
export function recordingLogger(level = 'info'): { logger: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = []
  const logger = pino(
    { level, base: {}, formatters: { level: label => ({ level: label }) } },
    { write: text => void lines.push(JSON.parse(text) as Record<string, unknown>) },
  )
  return { logger, lines }
}
