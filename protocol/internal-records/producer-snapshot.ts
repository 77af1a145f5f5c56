import { arrayOf, int16, int32, int64, uint32 } from '../schema/fields.ts'
import { defineData } from '../schema/message.ts'

/** The file `<offset>.snapshot`: what is known of producers up to that offset. The CRC-32C covers all bytes after itself. */
export const producerSnapshot = defineData({
  name: 'ProducerSnapshot',
  versions: '1',
  flexible: 'none',
  fields: {
    crc: uint32(),
    producerEntries: arrayOf({
      producerId: int64(),
      epoch: int16(),
      lastSequence: int32(),
      lastOffset: int64(),
      offsetDelta: int32(),
      timestamp: int64(),
      coordinatorEpoch: int32(),
      currentTxnFirstOffset: int64(),
    }),
  },
})
