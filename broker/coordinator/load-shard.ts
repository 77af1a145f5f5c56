import {
  batchesOf,
  decodeControlRecord,
  decodePlainRecords,
  decodeRecordsAsync,
  ProtocolError,
  type RecordBatchView,
  RecordsError,
} from '../../protocol/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import { outsideTransactions, type ShardKind } from './shard-kind.ts'
import type { ShardLog } from './shard-log.ts'

export interface LoadOptions<State, Entry> {
  readonly kind: ShardKind<State, Entry>
  readonly state: State
  readonly log: ShardLog
  readonly clock: Clock
  readonly logger: Logger
  /** About how many bytes are read at a time. */
  readonly sliceBytes: number
  /** Called with the end offset of each batch before it is applied. */
  readonly beforeBatch: (endOffset: number) => void
  /** Aborted: the shard is not wanted any more. */
  readonly signal: AbortSignal
}

export interface LoadResult {
  /** False: it was aborted on the way. */
  readonly complete: boolean
  readonly records: number
  readonly passedOver: number
}

/**
 * Applies all of the log, from its start to its end, committed or not, to the state. The loop is never held up for
 * longer than a slice takes: after `mostMsWithoutPause` it gives way. One slice is read while another is applied.
 * Throws when the log cannot be read.
 *
 * Records that make no sense are passed over and counted: a newer broker may have written them.
 */
export async function loadShard<State, Entry>(options: LoadOptions<State, Entry>): Promise<LoadResult> {
  const { log, signal } = options
  const replay = new Replay(options)
  let offset = log.startOffset
  let reading = readFrom(options, offset)
  while (reading !== null) {
    const { batches, error } = await reading
    if (signal.aborted) return replay.result(false)
    if (batches === undefined) throw error
    reading = readFrom(options, batches.at(-1)!.nextOffset)
    for (const batch of batches) {
      const { nextOffset } = batch
      if (nextOffset > offset) await replay.batch(batch, offset)
      if (signal.aborted) return replay.result(false)
      offset = nextOffset
    }
    reading ??= readFrom(options, offset) // a marker of a transaction may have come meanwhile
  }
  return replay.result(true)
}

type Slice =
  | { readonly batches: readonly RecordBatchView[]; readonly error?: undefined }
  | { readonly error: unknown; readonly batches?: undefined }

/** What stands from `offset` on; null at the end of the log. */
function readFrom(
  options: Pick<LoadOptions<unknown, unknown>, 'log' | 'sliceBytes'>,
  offset: number,
): Promise<Slice> | null {
  return offset < options.log.endOffset ? readSlice(options, offset) : null
}

/** Begun while the slice before it is applied, it may fail when nobody wants it any more: that is told as a value. */
async function readSlice(
  { log, sliceBytes }: Pick<LoadOptions<unknown, unknown>, 'log' | 'sliceBytes'>,
  offset: number,
): Promise<Slice> {
  try {
    const batches = [...batchesOf(await log.read(offset, sliceBytes))]
    if (batches.length > 0) return { batches }
    return { error: new Error(`There is no batch at offset ${offset} of ${log.topic}-${log.partition}.`) }
  } catch (error) {
    return { error }
  }
}

/** Unpacked coordinator records are as large as the largest message a topic may be set to take. */
const mostUnpackedBytes = 256 * 1024 * 1024
const mostMsWithoutPause = 10
const recordsBetweenLooksAtTheClock = 256
const loggedPerLoad = 10

class Replay<State, Entry> {
  readonly #options: LoadOptions<State, Entry>
  #records = 0
  #passedOver = 0
  #pausedAtMs: number

  constructor(options: LoadOptions<State, Entry>) {
    this.#options = options
    this.#pausedAtMs = options.clock.monotonicMs()
  }

  result(complete: boolean): LoadResult {
    return { complete, records: this.#records, passedOver: this.#passedOver }
  }

  async batch(batch: RecordBatchView, fromOffset: number): Promise<void> {
    this.#options.beforeBatch(batch.nextOffset)
    const { kind, state, signal } = this.#options
    const { isControl, isTransactional, producerId, producerEpoch } = batch
    const origin = isTransactional ? { producerId, producerEpoch } : outsideTransactions
    const records =
      batch.compressionId === 0
        ? decodePlainRecords(batch, batch.recordsBytes)
        : await decodeRecordsAsync(batch, { maxDecompressedBytes: mostUnpackedBytes })
    for (const record of records) {
      if (record.offset < fromOffset) continue
      this.#records++
      if (isControl) {
        const control = decodeControlRecord(record)
        if (control.kind !== 'other') kind.applyMarker(state, producerId, control.kind)
      } else {
        const entry = this.#decode(record.key, record.value, record.offset)
        if (entry !== null) kind.apply(state, entry, origin)
      }
      if (this.#records % recordsBetweenLooksAtTheClock === 0) {
        await this.#pauseIfDue()
        if (signal.aborted) return
      }
    }
  }

  #decode(key: Buffer | null, value: Buffer | null, offset: number): Entry | null {
    const { kind, log, logger } = this.#options
    try {
      const entry = kind.decode(key, value)
      if (entry === null) this.#passedOver++
      return entry
    } catch (error) {
      if (!(error instanceof ProtocolError) && !(error instanceof RecordsError)) throw error
      this.#passedOver++
      if (this.#passedOver <= loggedPerLoad) {
        const { topic, partition } = log
        logger.warn(
          { topic, partition, offset, reason: error.message },
          "A coordinator's record was passed over.",
        )
      }
      return null
    }
  }

  async #pauseIfDue(): Promise<void> {
    const { clock } = this.#options
    if (clock.monotonicMs() - this.#pausedAtMs < mostMsWithoutPause) return
    await new Promise(resolve => setImmediate(resolve))
    this.#pausedAtMs = clock.monotonicMs()
  }
}
