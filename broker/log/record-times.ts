import { batchHeaderBytes, RecordBatchView } from '../../protocol/index.ts'
import type { Log } from './log.ts'
import type { LogRead } from './log-slice.ts'

/** Times remembered for each log: about one for each group that reads it. */
const mostRemembered = 64
/** Reads from a disk that may be slow, at once. */
const mostLoading = 8
/** So much of a batch is read to see its header; a larger one is read whole, once. */
const readAhead = 4096

/**
 * When the record at an offset was written, in ms, for those who show how old it is. What was written or read lately is looked
 * up at once; the rest is read meanwhile, and known to whoever asks again. A record's time is taken to be that of its batch.
 */
export class RecordTimes {
  readonly #known = new WeakMap<Log, Map<number, number>>()
  readonly #loading = new Set<string>()

  /** Undefined: not known, or not yet. */
  timeOf(log: Log, offset: number): number | undefined {
    const { known, time, unread } = this.#look(log, offset)
    if (unread !== undefined) {
      void this.#load(known, `${unread.segmentBaseOffset} ${log.directory}`, offset, unread)
    }
    return time
  }

  /** The same for whoever can wait until it is read. */
  async find(log: Log, offset: number): Promise<number | undefined> {
    const { known, time, unread } = this.#look(log, offset)
    if (unread === undefined) return time
    try {
      return remember(known, offset, await unread.load())
    } catch {
      return undefined // as in #load
    }
  }

  #look(log: Log, offset: number): Looked {
    let known = this.#known.get(log)
    if (known === undefined) this.#known.set(log, (known = new Map()))
    const time = known.get(offset)
    if (time !== undefined) return { known, time }
    const read = log.read({ offset, maxBytes: readAhead, minOneBatch: true, upTo: log.highWatermark })
    if ('error' in read || read.records.length < batchHeaderBytes) return { known }
    if (!read.recent) return { known, unread: read }
    const bytes = Buffer.allocUnsafe(read.records.length)
    read.records.readInto(bytes, 0)
    return { known, time: remember(known, offset, bytes) }
  }

  async #load(known: Map<number, number>, name: string, offset: number, read: LogRead): Promise<void> {
    if (this.#loading.size >= mostLoading || this.#loading.has(name)) return
    this.#loading.add(name)
    try {
      remember(known, offset, await read.load())
    } catch {
      // The log was cut or closed, or its disk fails, which whoever serves it will find: the time stays unknown.
    } finally {
      this.#loading.delete(name)
    }
  }
}

interface Looked {
  /** Of the log. */
  readonly known: Map<number, number>
  readonly time?: number | undefined
  /** Where it stands on the disk. */
  readonly unread?: LogRead
}

function remember(known: Map<number, number>, offset: number, bytes: Buffer): number | undefined {
  const batch = new RecordBatchView(bytes)
  const time = batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : batch.baseTimestamp
  if (time < 0) return undefined
  if (known.size >= mostRemembered) known.delete(known.keys().next().value ?? -1)
  known.set(offset, time)
  return time
}
