import { arrayOf, bytes, int32, string } from '../schema/fields.ts'
import { defineData } from '../schema/message.ts'

/** What a member of a classic consumer group wants. v1 owned partitions, v2 generation, v3 rack. */
export const consumerProtocolSubscription = defineData({
  name: 'ConsumerProtocolSubscription',
  versions: '0-3',
  flexible: 'none',
  fields: {
    topics: arrayOf(string()),
    userData: bytes({ nullable: '0+', default: null }),
    ownedPartitions: arrayOf(
      {
        topic: string(),
        partitions: arrayOf(int32()),
      },
      '1+',
      { ignorable: true },
    ),
    generationId: int32('2+', { default: -1, ignorable: true }),
    rackId: string('3+', { nullable: '3+', default: null, ignorable: true }),
  },
})

/** What a member of a classic consumer group gets. */
export const consumerProtocolAssignment = defineData({
  name: 'ConsumerProtocolAssignment',
  versions: '0-3',
  flexible: 'none',
  fields: {
    assignedPartitions: arrayOf({
      topic: string(),
      partitions: arrayOf(int32()),
    }),
    userData: bytes({ nullable: '0+', default: null }),
  },
})
