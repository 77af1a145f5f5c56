import type { ClassicGroup, ClassicMember } from './classic-group.ts'
import type { Group } from './group.ts'

/**
 * How much memory the metadata of classic members may take that is too much to be remembered in the log. A group whose metadata
 * fits a record of the usual size is let in always; what larger groups hold while they try is bounded over all of them.
 */
const mostOfOrdinaryGroup = 1024 * 1024
export const mostOfLargeGroups = 128 * 1024 * 1024

/** Whether a member may bring these protocols, next to what the others of its group and all `groups` of this broker hold. */
export function hasMemoryFor(
  group: ClassicGroup | undefined,
  joining: { readonly memberId: string; readonly protocols: ClassicMember['protocols'] },
  groups: () => Iterable<Group>,
): boolean {
  const before = group === undefined ? 0 : metadataBytes(group)
  const own = group?.members.get(joining.memberId)
  const after = before + bytesOf(joining.protocols) - (own === undefined ? 0 : bytesOf(own.protocols))
  if (after <= mostOfOrdinaryGroup || after <= before) return true
  let others = 0
  for (const other of groups()) {
    if (other.kind !== 'classic' || other === group) continue
    const bytes = metadataBytes(other)
    if (bytes > mostOfOrdinaryGroup) others += bytes
  }
  return others + after <= mostOfLargeGroups
}

function metadataBytes(group: ClassicGroup): number {
  let bytes = 0
  for (const member of group.members.values()) bytes += bytesOf(member.protocols)
  return bytes
}

function bytesOf(protocols: ClassicMember['protocols']): number {
  let bytes = 0
  for (const metadata of protocols.values()) bytes += metadata.length
  return bytes
}
