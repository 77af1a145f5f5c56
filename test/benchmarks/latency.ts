/** End-to-end latency at a fixed rate, counted from the moment at which each record was due. */
import { type Bench, alternate, withTopic } from './bench.ts'

export async function benchmarkLatency(bench: Bench): Promise<void> {
  const seconds = bench.full ? '20' : '4'
  for (const rate of [1_000, 10_000]) {
    await alternate(
      bench,
      `latency at ${rate} records/s`,
      (broker, target) =>
        withTopic(broker, 1, async topic => {
          const args = [broker.bootstrapServers, topic, String(rate), seconds, '256']
          const result = await bench.tools.run('FixedRateLatency', args)
          if (result.exit !== 0) throw new Error(`FixedRateLatency said: ${result.stdout} ${result.stderr}`)
          const microseconds = result.stdout.trim().split(' ').map(Number)
          const section = 'End-to-end latency, 256 B, acks=all'
          for (const [index, name] of ['p50', 'p99', 'p99.9'].entries()) {
            const scenario = `${rate} records/s, ${name}`
            const figure = { section, scenario, unit: 'ms', better: 'lower' } as const
            bench.figures.add(target, figure, (microseconds[index] ?? NaN) / 1_000)
          }
        }),
      bench.full ? bench.rounds : Math.min(2, bench.rounds),
    )
  }
}
