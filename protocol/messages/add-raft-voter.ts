import { arrayOf, bool, int16, int32, string, uint16, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Adds a voter to the metadata quorum. */
export const addRaftVoter = defineApi({
  key: 80,
  name: 'AddRaftVoter',
  versions: '0-1',
  flexible: '0+',
  request: {
    clusterId: string({ nullable: '0+' }),
    timeoutMs: int32(),
    voterId: int32(),
    voterDirectoryId: uuid(),
    listeners: arrayOf({
      name: string(),
      host: string(),
      port: uint16(),
    }),
    ackWhenCommitted: bool('1+', { default: true }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
  },
})
