/** The Prometheus operator's definitions of what the chart makes for it; nobody here acts on them. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must } from './commands.ts'
import { goCommand } from './go-command.ts'
import type { Kubernetes } from './kubernetes.ts'

const version = 'github.com/prometheus-operator/prometheus-operator@v0.85.0'
const sum = 'h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s='
const kinds = ['podmonitors', 'prometheusrules']

interface Module {
  readonly Dir: string
  readonly Sum: string
}

export async function installDefinitions(kubernetes: Kubernetes): Promise<void> {
  const options = { directory: tmpdir(), timeoutMs: 300_000 }
  const told = await must(await goCommand(), ['mod', 'download', '-json', version], options)
  const { Dir, Sum } = JSON.parse(told) as Module
  if (Sum !== sum) throw new Error(`${version} has the sum ${Sum} and should have ${sum}.`)
  for (const kind of kinds) {
    const file = join(Dir, 'example', 'prometheus-operator-crd', `monitoring.coreos.com_${kind}.yaml`)
    await kubernetes.kubectl(['apply', '--server-side', '-f', file])
  }
  const named = kinds.map(kind => `crd/${kind}.monitoring.coreos.com`)
  await kubernetes.kubectl(['wait', '--for=condition=Established', '--timeout=30s', ...named])
}
