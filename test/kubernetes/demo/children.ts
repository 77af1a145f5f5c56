/** Processes by who started them, as /proc tells. */
import { readFileSync, readdirSync } from 'node:fs'

interface Running {
  readonly pid: number
  readonly parent: number
  readonly session: number
}

/** SIGTERM to all that this process has started, and to what they have; not to what has a session of its own. */
export function endChildren(): void {
  const all = running()
  const session = all.find(({ pid }) => pid === process.pid)?.session
  const below = (parent: number): readonly number[] =>
    all
      .filter(one => one.parent === parent && one.session === session)
      .flatMap(({ pid }) => [pid, ...below(pid)])
  for (const pid of below(process.pid)) {
    try {
      process.kill(pid, 'SIGTERM')
    } catch {
      // ended meanwhile
    }
  }
}

export function processesOfSession(session: number): readonly number[] {
  return running()
    .filter(one => one.session === session)
    .map(({ pid }) => pid)
}

function running(): readonly Running[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        const [state, parent, , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent), session: Number(session) }]
      } catch {
        return [] // ended meanwhile
      }
    })
}
