/** There after a clean stop and only then; removed at the next start. Says that every file of the directory is whole. */
export const cleanStopFileName = '.kafka_cleanshutdown'

export function formatCleanStop(brokerEpoch: number): string {
  return JSON.stringify({ version: 0, brokerEpoch })
}

/** The epoch that the broker had when it stopped; -1 when the file does not say. */
export function parseCleanStop(text: string): number {
  try {
    const content: unknown = JSON.parse(text)
    if (typeof content !== 'object' || content === null || !('brokerEpoch' in content)) return -1
    return typeof content.brokerEpoch === 'number' && Number.isSafeInteger(content.brokerEpoch)
      ? content.brokerEpoch
      : -1
  } catch {
    return -1
  }
}
