import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/compatibility/**', 'test/benchmarks/**'],
    pool: 'forks',
    maxWorkers: 2,
  },
})
