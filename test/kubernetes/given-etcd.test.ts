/** Clusters on an etcd that was there before them: none of their own is made, and one does not see the other's topics. */
import { expect, test } from 'vitest'
import { numbered, useOperator } from './operated-cluster.ts'

const operated = useOperator('given-etcd')

const etcd = (image: string): string => `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: shared-etcd}
spec:
  serviceName: shared-etcd
  selector: {matchLabels: {app: shared-etcd}}
  template:
    metadata: {labels: {app: shared-etcd}}
    spec:
      securityContext: {runAsUser: 65532, runAsNonRoot: true, fsGroup: 65532}
      containers:
        - name: etcd
          image: ${image}
          command: [etcd, --listen-client-urls=http://0.0.0.0:2379, --advertise-client-urls=http://shared-etcd:2379]
          args: [--data-dir=/data/member]
          readinessProbe: {httpGet: {path: /health, port: 2379}, periodSeconds: 1}
          volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Service
metadata: {name: shared-etcd}
spec: {selector: {app: shared-etcd}, ports: [{port: 2379}]}
`

const cluster = (name: string): string => `
apiVersion: barnabas.dev/v1
kind: Cluster
metadata: {name: ${name}}
spec:
  deletionProtection: false
  brokers: {replicas: ${name === 'kafka' ? 2 : 1}}
  etcd: {endpoints: ['http://shared-etcd:2379']}
---
apiVersion: barnabas.dev/v1
kind: Topic
metadata: {name: of-${name}}
spec: {clusterRef: {name: ${name}}, partitions: 2}
`

test('two Clusters come up on it, each with its own topics', async () => {
  await operated.apply(etcd(operated.kubernetes.etcdImage))
  await operated.kubectl('rollout', 'status', 'statefulset/shared-etcd', '--timeout=60s')
  await operated.apply(cluster('kafka'), cluster('other'))
  for (const name of ['kafka', 'other']) {
    await operated.until(`bnc/${name}`, 'Ready', 'True')
    await operated.until(`bnc/${name}`, 'EtcdAvailable', 'True', 'Given')
    await operated.until(`bnt/of-${name}`, 'Ready', 'True')
  }
  expect(await operated.kubectl('get', 'statefulsets', '-o', 'name')).not.toContain('kafka-etcd')
  const { stdout } = await operated.kubernetes.runInside(['kcat', '-L', '-b', operated.bootstrap])
  expect(stdout).toContain('"of-kafka"')
  expect(stdout).not.toContain('"of-other"')
})

test('records go on while it is away, and it is the same cluster when it is back', async () => {
  await operated.produce('of-kafka', numbered(0, 50))
  await operated.kubectl('scale', 'statefulset/shared-etcd', '--replicas=0')
  await operated.kubectl('wait', 'pod/shared-etcd-0', '--for=delete', '--timeout=60s')
  await operated.produce('of-kafka', numbered(50, 50))
  expect(await operated.consume('of-kafka')).toEqual(numbered(0, 100))
  await operated.kubectl('scale', 'statefulset/shared-etcd', '--replicas=1')
  await operated.apply(cluster('kafka').replace('partitions: 2', 'partitions: 4'))
  await operated.until('bnt/of-kafka', 'Ready', 'True')
  expect(await operated.kubectl('get', 'bnt', 'of-kafka', '-o', 'jsonpath={.status.partitions}')).toBe('4')
})
