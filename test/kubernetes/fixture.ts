/** The cluster of this run for one test file, in a namespace of the file's own. */
import { afterAll, beforeAll, inject } from 'vitest'
import { Kubernetes } from './kubernetes.ts'

export interface Fixture {
  readonly kubernetes: Kubernetes
  /** Image of broker, operator and command line; every node has it. */
  readonly image: string
  /** Goes after the file's tests, with all that is in it; nobody waits for that. */
  readonly namespace: string
}

export function useKubernetes(prefix: string): Fixture {
  const kubernetes = new Kubernetes(inject('cluster'))
  let namespace: string | undefined
  beforeAll(async () => {
    namespace = await kubernetes.makeNamespace(prefix)
  })
  afterAll(async () => {
    if (namespace === undefined) return
    await kubernetes.kubectl(['delete', 'namespace', namespace, '--wait=false', '--ignore-not-found'])
  })
  return {
    kubernetes,
    image: inject('image'),
    get namespace() {
      if (namespace === undefined) throw new Error('The namespace is there only inside tests.')
      return namespace
    },
  }
}
