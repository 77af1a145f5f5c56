const longestName = 249

/** A sentence when this cannot be the name of a topic, else null. */
export function findMistakeInTopicName(name: string): string | null {
  if (name === '') return 'The topic name is invalid: it is empty.'
  if (name === '.' || name === '..') return `The topic name is invalid: '${name}' is not allowed.`
  if (name.length > longestName) {
    return `The topic name is invalid: it has ${name.length} characters, ${longestName} are allowed.`
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `The topic name '${name}' is invalid: only ASCII letters and digits, '.', '_' and '-' are allowed.`
  }
  return null
}

/**
 * The other topic whose name differs from this one only by '.' against '_', if there is one: metric names of the
 * two would be the same.
 */
export function findCollidingTopic(name: string, topics: { keys(): Iterable<string> }): string | undefined {
  if (!/[._]/.test(name)) return undefined
  for (const other of topics.keys()) {
    if (other.length === name.length && other !== name && differsInSeparatorsOnly(other, name)) return other
  }
  return undefined
}

function differsInSeparatorsOnly(one: string, other: string): boolean {
  for (let at = 0; at < one.length; at++) {
    if (one[at] !== other[at] && !(isSeparator(one[at]) && isSeparator(other[at]))) return false
  }
  return true
}

function isSeparator(character: string | undefined): boolean {
  return character === '.' || character === '_'
}
