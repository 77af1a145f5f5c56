/** Starts a cluster with a pod on it and then does nothing until it is killed: for the test of what that leaves behind. */
import { setInterval } from 'node:timers'
import { must } from './commands.ts'
import { npmTools } from './npm-tools.ts'
import { kubeconfigOf, startPackagedCluster } from './packaged-cluster.ts'
import { pauseImage } from './worker-node.ts'

const plan = await startPackagedCluster({ nodes: 1, kept: false })
const { kubectl } = await npmTools()
const environment = { KUBECONFIG: kubeconfigOf(plan) }
await must(kubectl, ['run', 'idle', '--image', pauseImage, '--image-pull-policy=Never'], { environment })
await must(kubectl, ['wait', 'pod/idle', '--for=condition=Ready', '--timeout=60s'], { environment })
console.log(`cluster ${plan.number} stands`)
setInterval(() => {}, 60_000)
