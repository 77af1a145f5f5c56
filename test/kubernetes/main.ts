/**
 * A Kubernetes for tests, by hand:
 *   node test/kubernetes/main.ts prepare          builds and installs what a cluster needs; minutes the first time
 *   node test/kubernetes/main.ts up [NODES]       starts one and leaves it standing; tests then use it
 *   node test/kubernetes/main.ts down             removes it, and whatever a crashed run has left
 *   node test/kubernetes/main.ts inside COMMAND…  runs a program of this machine in the cluster's network
 */
import { spawnSync } from 'node:child_process'
import { findKept, removeKept } from './packages-way.ts'
import { preparePackages } from './packaged-cluster.ts'
import { startKubernetes } from './start-kubernetes.ts'
import { tearDownAbandoned } from './tear-down.ts'

const [command = 'help', ...args] = process.argv.slice(2)
switch (command) {
  case 'prepare':
    await preparePackages()
    break
  case 'up': {
    const { description } = await startKubernetes({ nodes: Number(args[0] ?? 1), kept: true })
    console.log(`export KUBECONFIG=${description.kubeconfig} # to remove it: ${description.takeDown}`)
    break
  }
  case 'down':
    await removeKept()
    await tearDownAbandoned()
    break
  case 'inside': {
    const cluster = findKept(1)
    if (cluster === null) throw new Error('No cluster stands: node test/kubernetes/main.ts up')
    const [program = '', ...before] = cluster.description.inside
    process.exitCode = spawnSync(program, [...before, ...args], { stdio: 'inherit' }).status ?? 1
    break
  }
  default:
    process.stderr.write(
      'Usage: node test/kubernetes/main.ts prepare | up [NODES] | down | inside COMMAND…\n',
    )
    process.exitCode = 2
}
