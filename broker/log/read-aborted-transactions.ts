import { RecordBatchView } from '../../protocol/index.ts'
import type { Disk } from './disk.ts'
import { parseSegmentFileName, segmentFileName } from './file-names.ts'
import { HeaderScan } from './header-scan.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import { readNewestProducerSnapshot } from './producer-snapshots.ts'
import { RecoveredState } from './recovered-state.ts'
import type { AbortedTransaction } from './transaction-index.ts'

/**
 * The aborted transactions whose markers stand in the segment at `baseOffset`, from the batches themselves: for an index
 * that is damaged. Reads headers from the newest snapshot before the segment on; usually there is one at its base.
 */
export function readAbortedTransactions(
  disk: Disk,
  directory: string,
  baseOffset: number,
): readonly AbortedTransaction[] {
  const files = disk.readDirectory(directory).flatMap(({ name }) => {
    const parsed = parseSegmentFileName(name)
    return parsed === undefined || parsed.suffix !== '' ? [] : [parsed]
  })
  const offsetsOf = (kind: string): number[] =>
    files.filter(file => file.kind === kind).map(file => file.baseOffset)
  const bases = offsetsOf('log')
    .filter(base => base <= baseOffset)
    .sort((a, b) => a - b)
  const snapshot = readNewestProducerSnapshot(disk, directory, offsetsOf('snapshot'), baseOffset)
  const state = new RecoveredState({
    snapshot,
    epochs: new LeaderEpochs(),
    needsEpochs: false,
    nowMs: 0,
    // Nobody expires: a transaction of long ago may end here.
    expirationMs: Number.POSITIVE_INFINITY,
  })
  for (const [index, base] of bases.entries()) {
    if (!state.needs(bases[index + 1] ?? Number.POSITIVE_INFINITY)) continue
    // What ended before this segment stands in the indexes of others.
    state.takeAborted()
    readSegment(disk, `${directory}/${segmentFileName(base, 'log')}`, state)
  }
  return state.takeAborted()
}

function readSegment(disk: Disk, path: string, state: RecoveredState): void {
  const file = disk.open(path, 'read')
  try {
    const scan = new HeaderScan((...read) => file.readSync(...read), 0, file.size())
    while (scan.next()) {
      state.note(scan.batch, () => {
        const bytes = Buffer.allocUnsafe(scan.batch.sizeInBytes)
        file.readSync(bytes, 0, bytes.length, scan.position)
        return new RecordBatchView(bytes)
      })
    }
  } finally {
    file.close()
  }
}
