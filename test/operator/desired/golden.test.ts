/**
 * Every object of some Clusters, as they are rendered. A change of these files is a change of what runs in other people's
 * clusters: one in a pod's template restarts their brokers. `npx vitest run -u test/operator/desired` writes them anew.
 */
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { FakeWorld } from '../reconcile/fake-world.ts'
import { exampleSpecs, renderedObjects } from './example-clusters.ts'

test.each(Object.entries(exampleSpecs))('the objects of a Cluster: %s', async (name, spec) => {
  const objects = renderedObjects(new FakeWorld(spec))
  expect(objects.length).toBeGreaterThan(5)
  const text = objects
    .map(object => stringify(object, { lineWidth: 120, aliasDuplicateObjects: false }))
    .join('---\n')
  await expect(text).toMatchFileSnapshot(`golden/${name}.yaml`)
})

test('a pod template does not name anything that changes with the operator alone', () => {
  const world = new FakeWorld({})
  const [statefulSet] = world
    .reconcile()
    .actions.flatMap(action =>
      action.kind === 'apply' && action.object.metadata.name === 'demo-brokers' ? [action.object] : [],
    )
    .filter(({ kind }) => kind === 'StatefulSet')
  const { template } = (statefulSet?.spec ?? {}) as { template?: { metadata: object } }
  expect(template?.metadata).toEqual({
    labels: {
      'app.kubernetes.io/name': 'barnabas',
      'app.kubernetes.io/instance': 'demo',
      'app.kubernetes.io/component': 'broker',
      'app.kubernetes.io/managed-by': 'barnabas-operator',
      'barnabas.dev/cluster': 'demo',
    },
  })
})
