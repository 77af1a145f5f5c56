import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [
      'test/compatibility/**',
      'test/cluster/scenarios/**',
      'test/kubernetes/**',
      'test/benchmarks/**',
    ],
    pool: 'forks',
    maxWorkers: 2,
    // For machines that are busy with other things; nothing is asserted about time.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
