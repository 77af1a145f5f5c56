// Version ranges as they are written in declarations: "3", "3-12", "3+", "none".

/** Both ends inclusive; empty when `min` is above `max`. */
export interface VersionRange {
  readonly min: number
  readonly max: number
}

const noVersions: VersionRange = { min: 1, max: 0 }
const maxVersion = 32_767

export function parseVersions(text: string): VersionRange {
  if (text === 'none') return noVersions
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text)
  if (match === null) throw new SyntaxError(`"${text}" is not a version range like "3", "3-12" or "3+".`)
  const min = Number(match[1])
  if (match[2] !== undefined) return { min, max: maxVersion }
  return { min, max: match[3] === undefined ? min : Number(match[3]) }
}

export function contains(range: VersionRange, version: number): boolean {
  return version >= range.min && version <= range.max
}

export function formatVersions(range: VersionRange): string {
  if (range.min > range.max) return 'none'
  if (range.min === range.max) return String(range.min)
  return range.max === maxVersion ? `${range.min}+` : `${range.min}-${range.max}`
}
