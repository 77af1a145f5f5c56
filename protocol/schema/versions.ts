// Version ranges as they are written in declarations: "3", "3-12", "3+", "none".

/** Both ends inclusive; empty when `min` is above `max`. */
export interface VersionRange {
  readonly min: number
  readonly max: number
}

export const noVersions: VersionRange = { min: 1, max: 0 }
export const allVersions: VersionRange = { min: 0, max: 32_767 }

export function parseVersions(text: string): VersionRange {
  if (text === 'none') return noVersions
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text)
  if (match === null) throw new SyntaxError(`"${text}" is not a version range like "3", "3-12" or "3+".`)
  const min = Number(match[1])
  if (match[2] !== undefined) return { min, max: allVersions.max }
  return { min, max: match[3] === undefined ? min : Number(match[3]) }
}

export function contains(range: VersionRange, version: number): boolean {
  return version >= range.min && version <= range.max
}

export function intersect(one: VersionRange, other: VersionRange): VersionRange {
  return { min: Math.max(one.min, other.min), max: Math.min(one.max, other.max) }
}

export function formatVersions(range: VersionRange): string {
  if (range.min > range.max) return 'none'
  if (range.min === range.max) return String(range.min)
  return range.max === allVersions.max ? `${range.min}+` : `${range.min}-${range.max}`
}
