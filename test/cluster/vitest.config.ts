import { defineConfig } from 'vitest/config'

/** Clusters of real processes that are harmed; TEST_TARGET=apache-kafka runs the same scenarios against Kafka itself. */
export default defineConfig({
  test: {
    include: ['test/cluster/scenarios/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 180_000,
  },
})
