/**
 * Why bytes are not the records they claim to be. `tooLarge`: they would unpack to more than the caller allows;
 * `unsupported`: a codec this process cannot run; the others: the bytes break the record format in that place.
 */
export type RecordsFault =
  | 'batchHeader'
  | 'numberOutOfRange'
  | 'varint'
  | 'recordLength'
  | 'keyLength'
  | 'valueLength'
  | 'headerCount'
  | 'headerLength'
  | 'recordCount'
  | 'compressedData'
  | 'tooLarge'
  | 'unsupported'

/** Thrown for bytes from outside that do not hold what they should; never a bug of ours. */
export class RecordsError extends Error {
  override readonly name = 'RecordsError'
  readonly fault: RecordsFault

  constructor(fault: RecordsFault, sentence: string, options?: ErrorOptions) {
    super(sentence, options)
    this.fault = fault
  }
}
