import { expect, test } from 'vitest'
import { useBroker, useJavaTools } from './fixture.ts'

const broker = useBroker()
const tools = useJavaTools()

test('the Java clients round-trip every field with every codec, idempotent or not', async () => {
  const result = await tools().run('RoundTrip', [broker().bootstrapServers, 'java'])
  expect(result, result.stdout + result.stderr).toMatchObject({ exit: 0 })
  const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
  const rounds = codecs.flatMap(codec =>
    [true, false].map(idempotent => `ok ${codec} idempotent=${idempotent}`),
  )
  expect(result.stdout.trim().split('\n')).toEqual([...rounds, 'ok lookups', 'ok large'])
})
