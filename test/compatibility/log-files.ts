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
