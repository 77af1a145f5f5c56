import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { chosenWay } from './start-kubernetes.ts'

/**
 * Tests on a real Kubernetes: one cluster for all files of a run, which come one after the other. `scenarios` are longer;
 * KUBERNETES_SCENARIOS=1 runs them, and them alone, WITH_SCENARIOS=NAME,NAME some of them beside the others.
 */
const include =
  process.env['KUBERNETES_SCENARIOS'] === '1'
    ? ['test/kubernetes/scenarios/*.test.ts']
    : ['test/kubernetes/*.test.ts', ...chosenScenarios()]

function chosenScenarios(): readonly string[] {
  const names = (process.env['WITH_SCENARIOS'] ?? '').split(',').filter(name => name !== '')
  const missing = names.filter(name => !existsSync(join(import.meta.dirname, 'scenarios', `${name}.test.ts`)))
  if (missing.length > 0) throw new Error(`WITH_SCENARIOS: there is no scenario ${missing.join()}.`)
  return names.map(name => `test/kubernetes/scenarios/${name}.test.ts`)
}

/** What is about the one way to a cluster, and what is about the other. */
const ofPackages = ['test/kubernetes/tear-down.test.ts', 'test/kubernetes/scenarios/demo.test.ts']
const ofKind = ['test/kubernetes/kind-way.test.ts']

export default defineConfig(async () => ({
  test: {
    include: [...include],
    exclude: (await chosenWay()) === 'kind' ? ofPackages : ofKind,
    globalSetup: ['test/kubernetes/prepare.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    teardownTimeout: 120_000,
  },
}))
