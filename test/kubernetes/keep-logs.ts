import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { componentLabel } from '../../operator/resources/names.ts'
import { repositoryRoot } from '../targets/kafka-jars.ts'
import type { Kubernetes } from './kubernetes.ts'

/** Writes what a namespace's pods are like and what its brokers have logged in the last two minutes to a file; returns its path. */
export async function keepLogs(kubernetes: Kubernetes, namespace: string, name: string): Promise<string> {
  const inNamespace = ['-n', namespace]
  const brokers = ['-l', `${componentLabel}=broker`, '--all-containers', '--max-log-requests=20']
  const lines = ['--prefix', '--timestamps', '--since=2m', '--tail=-1']
  const said = [
    await kubernetes.tryKubectl([...inNamespace, 'get', 'pods,services,bnc,bnt', '-o', 'wide']),
    await kubernetes.tryKubectl([...inNamespace, 'get', 'events', '--sort-by=.lastTimestamp']),
    await kubernetes.tryKubectl([...inNamespace, 'logs', ...brokers, ...lines]),
  ]
  const directory = join(repositoryRoot, '.cache', 'faults')
  mkdirSync(directory, { recursive: true })
  const file = join(directory, `${name}-${Date.now()}.log`)
  writeFileSync(file, said.map(({ stdout, stderr }) => stdout + stderr).join('\n'))
  return file
}
