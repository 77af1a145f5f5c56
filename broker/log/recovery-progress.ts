/** How far the logs have been opened at start-up. All zero once everything is. */
export interface RecoveryProgress {
  /** Logs that are not open yet. */
  readonly remainingLogs: number
  /** Segments that are still to be read again; only after an unclean stop. */
  readonly remainingSegments: number
  readonly remainingBytes: number
}

export const nothingToRecover: RecoveryProgress = {
  remainingLogs: 0,
  remainingSegments: 0,
  remainingBytes: 0,
}
