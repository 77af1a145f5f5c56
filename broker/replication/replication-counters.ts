/** What replication counts, for whoever scrapes: plain fields. */
export interface ReplicationCounters {
  isrShrinks: number
  isrExpands: number
  /** Changes of in-sync sets that the controller refused or overtook. */
  failedIsrUpdates: number
  /** Offsets that this broker had as committed and had to cut off: only an unclean election makes that happen. */
  lostCommittedOffsets: number
}

export function replicationCounters(): ReplicationCounters {
  return {
    isrShrinks: 0,
    isrExpands: 0,
    failedIsrUpdates: 0,
    lostCommittedOffsets: 0,
  }
}
