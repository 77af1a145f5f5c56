import { expect, test } from 'vitest'
import { customResourceDefinition, kinds } from '../../../operator/resources/custom-resources.ts'

test('a Cluster can be scaled by kubectl scale, and Topics be selected by their Cluster', () => {
  const [clusters, topics] = kinds.map(customResourceDefinition)
  expect(clusters).toMatchObject({
    spec: { versions: [{ subresources: { scale: { specReplicasPath: '.spec.brokers.replicas' } } }] },
  })
  expect(topics).toMatchObject({
    spec: { versions: [{ selectableFields: [{ jsonPath: '.spec.clusterRef.name' }] }] },
  })
})
