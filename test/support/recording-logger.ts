import type { Logger } from '../../runtime/logger.ts'

type Fields = Readonly<Record<string, unknown>>

/** A logger whose lines can be read: fields, `level` as a word, and the sentence as `msg`. Debug lines are left out. */
export function recordingLogger(): { logger: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = []
  const record =
    (level: string) =>
    (first: Fields | string, sentence?: string): void => {
      lines.push(
        typeof first === 'string' ? { level, msg: first } : { level, ...plain(first), msg: sentence },
      )
    }
  const logger = {
    level: 'info',
    trace: () => undefined,
    debug: () => undefined,
    info: record('info'),
    warn: record('warn'),
    error: record('error'),
    fatal: record('fatal'),
    child: () => logger,
  }
  // Nothing but lines is ever asked of a logger.
  return { logger: logger as unknown as Logger, lines }
}

function plain(fields: Fields): Fields {
  const { err } = fields
  return err instanceof Error ? { ...fields, err: { message: err.message, stack: err.stack } } : fields
}
