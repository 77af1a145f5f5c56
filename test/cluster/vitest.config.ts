import { defineConfig } from 'vitest/config'

/** Clusters of real processes that are harmed; TEST_TARGET=apache-kafka runs the same scenarios against Kafka itself. */
export default defineConfig({
  test: {
    include: ['test/cluster/scenarios/*.test.ts'],
    // Apache Kafka has no etcd.
    exclude: process.env['TEST_TARGET'] === 'apache-kafka' ? ['**/store-*.test.ts'] : [],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 400_000,
    hookTimeout: 180_000,
  },
})
