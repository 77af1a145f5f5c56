import { arrayOf, bool, int16, int32, int64, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/**
 * Log directories of this broker and what lies in them. v3 one error for all, v4 sizes of the volumes, v5
 * cordoned directories.
 */
export const describeLogDirs = defineApi({
  key: 35,
  name: 'DescribeLogDirs',
  versions: '1-5',
  flexible: '2+',
  request: {
    topics: arrayOf(
      {
        topic: string(),
        partitions: arrayOf(int32()),
      },
      { nullable: '1+' },
    ),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16('3+', { ignorable: true }),
    results: arrayOf({
      errorCode: int16(),
      logDir: string(),
      topics: arrayOf({
        name: string(),
        partitions: arrayOf({
          partitionIndex: int32(),
          partitionSize: int64(),
          offsetLag: int64(),
          isFutureKey: bool(),
        }),
      }),
      totalBytes: int64('4+', { default: -1, ignorable: true }),
      usableBytes: int64('4+', { default: -1, ignorable: true }),
      isCordoned: bool('5+', { default: false, ignorable: true }),
    }),
  },
})
