/** Every file of a topic in a data directory, read by Kafka's DumpLogSegments. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { JavaTools } from '../targets/java-tools.ts'

/**
 * What DumpLogSegments says when a file is not as it should be. A gap between offsets is told as a line "41 is followed by
 * 43" under the heading "Non-consecutive offsets in …"; "-1 is followed by N" only means that the file begins at N.
 */
const complaints =
  /mismatch|out of order|isvalid: false|^\s+\d+ is followed by|exception|corrupt|warning|could not|error/i

/** Dumps all segments, indexes and snapshots of `topic`; the broker must not be running. */
export async function dumpTopic(
  tools: JavaTools,
  logDirectory: string,
  topic: string,
): Promise<{ files: string[]; records: number; batches: number; complaints: string[] }> {
  const files = readdirSync(logDirectory)
    .filter(folder => folder.startsWith(`${topic}-`) && /^\d+$/.test(folder.slice(topic.length + 1)))
    .flatMap(folder => readdirSync(join(logDirectory, folder)).map(file => join(logDirectory, folder, file)))
    .filter(file => /\.(log|index|timeindex|txnindex|snapshot)$/.test(file))
    .sort()
  const result = await tools.run('kafka-dump-log', ['--deep-iteration', '--files', files.join(',')])
  const lines = (result.stdout + result.stderr).split('\n')
  const found = lines.filter(line => complaints.test(line))
  if (result.exit !== 0) found.push(`DumpLogSegments ended with ${result.exit}`)
  return {
    files,
    records: lines.filter(line => line.startsWith('| offset:')).length,
    batches: lines.filter(line => line.startsWith('baseOffset:')).length,
    complaints: found.slice(0, 20),
  }
}

/** All positions that a group committed for a topic, in the order of the log; the broker may be running. */
export async function committedPositions(
  tools: JavaTools,
  logDirectory: string,
  group: string,
  topic: string,
): Promise<{ partition: number; offset: number }[]> {
  const folder = join(logDirectory, '__consumer_offsets-0')
  const files = readdirSync(folder).filter(file => file.endsWith('.log'))
  const paths = files.sort().map(file => join(folder, file))
  const { stdout } = await tools.run('kafka-dump-log', ['--offsets-decoder', '--files', paths.join(',')])
  return [...stdout.matchAll(/ key: (\{.*?\}) payload: (\{.*\})$/gm)].flatMap(([, key = '', value = '']) => {
    const { type, data } = JSON.parse(key) as DumpedRecord
    if (type !== '1' || data.group !== group || data.topic !== topic) return []
    return [
      { partition: data.partition ?? -1, offset: (JSON.parse(value) as DumpedRecord).data.offset ?? -1 },
    ]
  })
}

interface DumpedRecord {
  readonly type: string
  readonly data: { group?: string; topic?: string; partition?: number; offset?: number }
}
