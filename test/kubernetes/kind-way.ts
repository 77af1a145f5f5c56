/** A cluster made by kind, for machines where Docker works and `kind` is on the PATH. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../targets/processes.ts'
import { must } from './commands.ts'
import type { StartedCluster } from './kubernetes.ts'

/** Not installed, or Docker's daemon does not answer: then the other way has to do. */
export async function kindWorks(): Promise<boolean> {
  const answers = [['kind', 'version'] as const, ['docker', 'info'] as const].map(([program, argument]) =>
    run(program, [argument]).catch(() => null),
  )
  return (await Promise.all(answers)).every(answer => answer?.exit === 0)
}

export async function startWithKind(nodes: number): Promise<StartedCluster> {
  const directory = mkdtempSync(join(tmpdir(), 'barnabas-kind-'))
  const name = `barnabas-${process.pid}`
  const kubeconfig = join(directory, 'kubeconfig')
  const config = {
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    nodes: Array.from({ length: nodes }, (_, at) => ({
      role: at === 0 ? 'control-plane' : 'worker',
      labels: {
        'topology.kubernetes.io/region': 'local',
        'topology.kubernetes.io/zone': `zone-${'abc'.charAt(at % 3)}`,
      },
    })),
  }
  writeFileSync(join(directory, 'kind.json'), JSON.stringify(config))
  const create = ['create', 'cluster', '--name', name, '--kubeconfig', kubeconfig, '--wait', '180s']
  await must('kind', [...create, '--config', join(directory, 'kind.json')], { timeoutMs: 600_000 })
  const withKubectl = ['--kubeconfig', kubeconfig]
  // Where there are workers, kind keeps pods off the control plane.
  await run('kubectl', [...withKubectl, 'taint', 'nodes', '--all', 'node-role.kubernetes.io/control-plane-'])
  const named = ['get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}']
  const nodeNames = (await must('kubectl', [...withKubectl, ...named])).split(' ')
  const dns = ['get', 'service', '-n', 'kube-system', 'kube-dns', '-o', 'jsonpath={.spec.clusterIP}']
  const nameserver = await must('kubectl', [...withKubectl, ...dns])
  const resolvConf = join(directory, 'resolv.conf')
  const search = 'search svc.cluster.local cluster.local\noptions ndots:5\n'
  writeFileSync(resolvConf, `nameserver ${nameserver}\n${search}`)
  const inspect = ['inspect', '--format', '{{.State.Pid}}', nodeNames[0] ?? '']
  const containerPid = (await must('docker', inspect)).trim()
  const addressOf = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
  const insideAddress = (await must('docker', ['inspect', '--format', addressOf, nodeNames[0] ?? ''])).trim()
  const withNames = `mount --bind ${resolvConf} /etc/resolv.conf && exec "$@"`
  return {
    description: {
      way: 'kind',
      kubeconfig,
      nodes: nodeNames,
      etcdImage: 'quay.io/coreos/etcd:v3.6.5',
      importCommands: [['kind', 'load', 'image-archive', '--name', name]],
      insideAddress,
      insideNetwork: `${insideAddress}/32`,
      inside: [
        'nsenter',
        `--target=${containerPid}`,
        '--net',
        'unshare',
        '--mount',
        'sh',
        '-c',
        withNames,
        'sh',
      ],
      takeDown: `kind delete cluster --name ${name}`,
    },
    async stop() {
      await must('kind', ['delete', 'cluster', '--name', name, '--kubeconfig', kubeconfig], {
        timeoutMs: 120_000,
      })
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
