import { isUuid, type Uuid } from '../../protocol/index.ts'

/** To whom a log directory belongs. */
export interface MetaProperties {
  readonly clusterId: string
  readonly nodeId: number
  readonly directoryId: Uuid
}

export const metaPropertiesFileName = 'meta.properties'

export function formatMetaProperties({ clusterId, nodeId, directoryId }: MetaProperties): string {
  return `cluster.id=${clusterId}\ndirectory.id=${directoryId}\nnode.id=${nodeId}\nversion=1\n`
}

/**
 * What the file says; properties it lacks are undefined (Kafka wrote no directory.id before 3.7, and broker.id in the
 * place of node.id under version 0). A sentence when the file cannot be understood.
 */
export function parseMetaProperties(text: string): Partial<MetaProperties> | { readonly problem: string } {
  const properties = parseProperties(text)
  const version = properties.get('version')
  if (version !== '0' && version !== '1') {
    return { problem: `it has version=${version ?? '(nothing)'}, and this broker knows versions 0 and 1` }
  }
  const node = properties.get('node.id') ?? properties.get('broker.id')
  const directoryId = properties.get('directory.id')
  const clusterId = properties.get('cluster.id')
  if (node !== undefined && !/^\d+$/.test(node)) return { problem: `its node.id "${node}" is not a number` }
  if (directoryId !== undefined && !isUuid(directoryId)) {
    return { problem: `its directory.id "${directoryId}" is not an id` }
  }
  return {
    ...(clusterId === undefined ? {} : { clusterId }),
    ...(node === undefined ? {} : { nodeId: Number(node) }),
    ...(directoryId === undefined ? {} : { directoryId }),
  }
}

/** Why a directory with these properties is not this broker's; undefined when it is. */
export function refuseForeignDirectory(
  path: string,
  found: Partial<MetaProperties>,
  own: { readonly clusterId: string; readonly nodeId: number },
): string | undefined {
  if (found.clusterId !== undefined && found.clusterId !== own.clusterId) {
    return (
      `${path} belongs to cluster ${found.clusterId}, but this broker is of cluster ${own.clusterId}. ` +
      `Give the broker its own directory, or the right cluster id.`
    )
  }
  if (found.nodeId !== undefined && found.nodeId !== own.nodeId) {
    return (
      `${path} belongs to node ${found.nodeId}, but this broker has node.id=${own.nodeId}. ` +
      `Two brokers must not use each other's data.`
    )
  }
  return undefined
}

/** Java's properties as far as this file uses them: `name=value` lines, `#` and `!` comments. */
function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*([^#!=:\s][^=:\s]*)\s*[=:]\s*(.*?)\s*$/.exec(line)
    if (match !== null) properties.set(match[1]!, match[2]!.replaceAll(/\\(.)/g, '$1'))
  }
  return properties
}
