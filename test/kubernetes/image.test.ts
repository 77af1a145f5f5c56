/** The image under the strictest rules that a namespace can have, and the cluster's own parts that every test relies on. */
import { expect, test } from 'vitest'
import { waitUntil } from '../targets/processes.ts'
import { useKubernetes } from './fixture.ts'

const fixture = useKubernetes('image')

/** One broker on a volume: not root, root file system read-only, no capability, no token. */
function manifests(image: string): string {
  return `
apiVersion: v1
kind: Service
metadata: {name: kafka}
spec: {selector: {app: kafka}, ports: [{name: clients, port: 9092}]}
---
apiVersion: v1
kind: Service
metadata: {name: kafka-pods}
spec: {clusterIP: None, publishNotReadyAddresses: true, selector: {app: kafka}, ports: [{name: clients, port: 9092}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: kafka}
spec:
  serviceName: kafka-pods
  replicas: 1
  selector: {matchLabels: {app: kafka}}
  template:
    metadata: {labels: {app: kafka}}
    spec:
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 20
      securityContext: {runAsNonRoot: true, fsGroup: 65532, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: broker
          image: ${image}
          imagePullPolicy: Never
          args: [/app/broker/main.js]
          env:
            - {name: KAFKA_NODE_ID, value: "0"}
            - {name: KAFKA_LISTENERS, value: "PLAINTEXT://:9092"}
            - {name: KAFKA_ADVERTISED_LISTENERS, value: "PLAINTEXT://kafka-0.kafka-pods.${fixture.namespace}.svc.cluster.local:9092"}
            - {name: KAFKA_HTTP_LISTENERS, value: "http://:9404"}
            - {name: KAFKA_LOG_DIRS, value: /data/log}
            - {name: KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR, value: "1"}
          securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
          readinessProbe: {httpGet: {path: /readyz, port: 9404}, periodSeconds: 1}
          livenessProbe: {httpGet: {path: /healthz, port: 9404}}
          volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`
}

const node = ['/usr/local/bin/node', '-e']

async function exec(script: string): Promise<string> {
  const { kubernetes, namespace } = fixture
  return (await kubernetes.kubectl(['-n', namespace, 'exec', 'kafka-0', '--', ...node, script])).trim()
}

/** Asked again while there is an error: nodes learn a moment later than the API server which pods a Service has. */
async function kcat(args: readonly string[], input = ''): Promise<string> {
  let said = ''
  return waitUntil(
    () => `kcat ${args.join(' ')} ends well; it said: ${said}`,
    async () => {
      const { exit, stdout, stderr } = await fixture.kubernetes.runInside(['kcat', ...args], { input })
      said = stderr
      return exit === 0 && !stderr.includes('ERROR') ? stdout : undefined
    },
    { everyMs: 500 },
  )
}

test('a broker becomes ready under the restricted Pod Security Standard', async () => {
  const { kubernetes, namespace, image } = fixture
  await kubernetes.kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted'])
  await kubernetes.apply(manifests(image), ['-n', namespace])
  await kubernetes.kubectl(['-n', namespace, 'rollout', 'status', 'statefulset/kafka', '--timeout=90s'])
  expect(await kubernetes.logs(namespace, 'kafka-0')).toContain('The broker serves clients.')
  expect(await exec('console.log(process.getuid(), process.getgid())')).toBe('65532 65532')
})

test('nothing but its volume can be written to, and the cluster gave it no token', async () => {
  const write = (path: string): string =>
    `try { fs.writeFileSync('${path}', ''); console.log('written') } catch (error) { console.log(error.code) }`
  expect(await exec(write('/app/broker/main.js'))).toBe('EROFS')
  expect(await exec(write('/data/here'))).toBe('written')
  expect(await exec("console.log(fs.existsSync('/var/run/secrets/kubernetes.io'))")).toBe('false')
})

test('there is no shell in it', async () => {
  const { kubernetes, namespace } = fixture
  const { exit, stderr } = await kubernetes.tryKubectl([
    '-n',
    namespace,
    'exec',
    'kafka-0',
    '--',
    'sh',
    '-c',
    'true',
  ])
  expect(exit).not.toBe(0)
  expect(stderr).toMatch(/executable file not found|no such file/)
})

test('a client produces and consumes by the names that the cluster gives', async () => {
  const bootstrap = `kafka.${fixture.namespace}:9092`
  await kcat(['-P', '-b', bootstrap, '-t', 'greetings'], 'hello\n')
  expect(await kcat(['-C', '-b', bootstrap, '-t', 'greetings', '-o', 'beginning', '-e', '-q'])).toBe(
    'hello\n',
  )
})

test('records are there again after the pod was deleted', async () => {
  const { kubernetes, namespace } = fixture
  const uid = [
    '-n',
    namespace,
    'get',
    'pod',
    'kafka-0',
    '-o',
    'jsonpath={.metadata.uid}',
    '--ignore-not-found',
  ]
  const before = await kubernetes.kubectl(uid)
  await kubernetes.kubectl(['-n', namespace, 'delete', 'pod', 'kafka-0'])
  await waitUntil('another pod is there', async () => {
    const now = await kubernetes.kubectl(uid)
    return (now !== '' && now !== before) || undefined
  })
  await kubernetes.kubectl(['-n', namespace, 'wait', 'pod/kafka-0', '--for=condition=Ready', '--timeout=60s'])
  const bootstrap = `kafka.${namespace}:9092`
  expect(await kcat(['-C', '-b', bootstrap, '-t', 'greetings', '-o', 'beginning', '-e', '-q'])).toBe(
    'hello\n',
  )
})

test('the test itself reaches a pod through a forwarded port', async () => {
  const { kubernetes, namespace } = fixture
  const forward = await kubernetes.forward(namespace, 'pod/kafka-0', 9404)
  try {
    const answer = await fetch(`http://${forward.host}:${forward.port}/readyz`)
    expect(await answer.json()).toMatchObject({ ready: true })
  } finally {
    await forward.close()
  }
})

test('nodes stand in zones', async () => {
  const { kubernetes } = fixture
  const zone = 'jsonpath={.items[*].metadata.labels.topology\\.kubernetes\\.io/zone}'
  const zones = (await kubernetes.kubectl(['get', 'nodes', '-o', zone])).split(' ')
  expect(zones.sort()).toEqual(['zone-a', 'zone-b', 'zone-c'].slice(0, kubernetes.nodes.length))
})
