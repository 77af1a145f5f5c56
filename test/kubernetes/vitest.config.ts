import { defineConfig } from 'vitest/config'

/**
 * Tests on a real Kubernetes: one cluster for all files of a run, which come one after the other. `scenarios` are longer;
 * KUBERNETES_SCENARIOS=1 runs them, and them alone.
 */
const scenarios = process.env['KUBERNETES_SCENARIOS'] === '1'

export default defineConfig({
  test: {
    include: [scenarios ? 'test/kubernetes/scenarios/*.test.ts' : 'test/kubernetes/*.test.ts'],
    globalSetup: ['test/kubernetes/prepare.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    teardownTimeout: 120_000,
  },
})
