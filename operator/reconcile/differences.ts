/** Whether an object is as it should be, and if not, where it first differs. Pure. */
import { exactQuantity } from '../resources/field.ts'
import { hashOf } from '../desired/hash.ts'
import type { KubeObject } from '../resources/kube-object.ts'
import { renderedAnnotation } from '../resources/names.ts'

/** The object with the mark by which a change of what we render is noticed, removals of fields too. */
export function marked(desired: KubeObject): KubeObject {
  const { metadata } = desired
  return {
    ...desired,
    metadata: {
      ...metadata,
      annotations: { ...metadata.annotations, [renderedAnnotation]: hashOf(desired) },
    },
  }
}

/** Whether nothing is to be written: it was rendered the same, and nobody has changed what we gave. */
export function isAsDesired(live: KubeObject | undefined, desired: KubeObject): boolean {
  if (live === undefined) return false
  return firstDifference(marked(desired), live) === undefined
}

/**
 * The path of the first field that is given in `desired` and is otherwise in `live`; undefined when there is none. What
 * `live` has besides (defaults, what others wrote) does not count. Quantities are compared by what they stand for.
 */
export function firstDifference(desired: unknown, live: unknown, path = ''): string | undefined {
  if (isEmpty(desired) && isEmpty(live)) return undefined
  if (Array.isArray(desired)) {
    if (!Array.isArray(live) || live.length !== desired.length) return path
    for (const [index, each] of desired.entries()) {
      const found = firstDifference(each, live[index], `${path}[${index}]`)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (typeof desired === 'object' && desired !== null) {
    if (typeof live !== 'object' || live === null || Array.isArray(live)) return path
    for (const [key, each] of Object.entries(desired)) {
      if (each === undefined) continue
      const found = firstDifference(
        each,
        (live as Record<string, unknown>)[key],
        path === '' ? key : `${path}.${key}`,
      )
      if (found !== undefined) return found
    }
    return undefined
  }
  return desired === live || areSameQuantity(desired, live) ? undefined : path
}

/** The API server leaves out what is empty. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true
  if (Array.isArray(value)) return value.length === 0
  return typeof value === 'object' && Object.keys(value).length === 0
}

function areSameQuantity(one: unknown, other: unknown): boolean {
  if (typeof one !== 'string' && typeof one !== 'number') return false
  if (typeof other !== 'string' && typeof other !== 'number') return false
  const [a, b] = [exactQuantity(String(one)), exactQuantity(String(other))]
  return a !== undefined && b !== undefined && Math.round(a * 1000) === Math.round(b * 1000)
}
