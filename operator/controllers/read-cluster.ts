import { checkClusterSettings } from '../resources/check-settings.ts'
import type { Cluster } from '../resources/cluster.ts'
import type { KubeObject } from '../resources/kube-object.ts'
import { type Mistake, readResource } from '../resources/read-resource.ts'

/** Checked as the API server would, and by the brokers' own tables. */
export function readCluster(
  object: KubeObject,
):
  | { readonly cluster: Cluster; readonly mistakes?: undefined }
  | { readonly cluster?: undefined; readonly mistakes: readonly Mistake[] } {
  const { apiVersion, kind, metadata, spec } = object
  const { resource, mistakes } = readResource({ apiVersion, kind, metadata, spec })
  if (resource?.kind !== 'Cluster') return { mistakes }
  const wrong = checkClusterSettings(resource.cluster)
  return wrong.length > 0 ? { mistakes: wrong } : { cluster: resource.cluster }
}
