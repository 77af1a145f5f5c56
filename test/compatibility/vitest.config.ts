import { defineConfig } from 'vitest/config'

/** Other people's clients against broker processes; TEST_TARGET=apache-kafka runs the same tests against Kafka itself. */
export default defineConfig({
  test: {
    include: ['test/compatibility/**/*.test.ts'],
    globalSetup: ['test/compatibility/prepare.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 90_000,
  },
})
