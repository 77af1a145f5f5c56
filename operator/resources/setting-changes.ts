/** Which settings of a topic are to be changed so that it has those that are wanted. Pure. */

export interface SettingChange {
  readonly name: string
  readonly from: string | undefined
  /** Null: back to the default. */
  readonly to: string | null
}

/** Whether two texts stand for the same value of a setting. */
export type SameSetting = (name: string, one: string, other: string) => boolean

/**
 * `applied`: settings that were set from the manifest before; those that it no longer names go back to the default.
 * Settings that others set, and the manifest does not name, are left alone.
 */
export function settingChanges(
  wanted: ReadonlyMap<string, string>,
  actual: ReadonlyMap<string, string>,
  applied: readonly string[],
  isSame: SameSetting = (_, one, other) => one === other,
): SettingChange[] {
  const changes: SettingChange[] = []
  for (const [name, to] of wanted) {
    const from = actual.get(name)
    if (from === undefined || !isSame(name, from, to)) changes.push({ name, from, to })
  }
  for (const name of applied) {
    if (wanted.has(name) || !actual.has(name)) continue
    changes.push({ name, from: actual.get(name), to: null })
  }
  return changes
}
