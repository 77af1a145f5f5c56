import { arrayOf, bool, int16, int32, int64, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

const addPartitionsToTxnTopic = {
  name: string(),
  partitions: arrayOf(int32()),
}

const addPartitionsToTxnPartitionResult = {
  partitionIndex: int32(),
  partitionErrorCode: int16(),
}

const addPartitionsToTxnTopicResult = {
  name: string(),
  resultsByPartition: arrayOf(addPartitionsToTxnPartitionResult),
}

/**
 * Up to v3 a client adds partitions to its transaction. From v4 on brokers ask, for many transactions at once
 * and in fields of their own, and may only verify.
 */
export const addPartitionsToTxn = defineApi({
  key: 24,
  name: 'AddPartitionsToTxn',
  versions: '0-5',
  flexible: '3+',
  request: {
    transactions: arrayOf(
      {
        transactionalId: string(),
        producerId: int64(),
        producerEpoch: int16(),
        verifyOnly: bool({ default: false }),
        topics: arrayOf(addPartitionsToTxnTopic),
      },
      '4+',
    ),
    v3AndBelowTransactionalId: string('0-3'),
    v3AndBelowProducerId: int64('0-3'),
    v3AndBelowProducerEpoch: int16('0-3'),
    v3AndBelowTopics: arrayOf(addPartitionsToTxnTopic, '0-3'),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16('4+', { ignorable: true }),
    resultsByTransaction: arrayOf(
      {
        transactionalId: string(),
        topicResults: arrayOf(addPartitionsToTxnTopicResult),
      },
      '4+',
    ),
    resultsByTopicV3AndBelow: arrayOf(addPartitionsToTxnTopicResult, '0-3'),
  },
})
