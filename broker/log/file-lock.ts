import { spawnSync } from 'node:child_process'
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'

// A part of disk.ts: the one other file that knows files.

export type FileLock =
  | { readonly kind: 'held'; release(): void }
  /** `owner`: its process id, as far as the file says. */
  | { readonly kind: 'taken'; readonly owner: string }

/**
 * Holds a lock file for this process until it is released or the process ends, however it ends. Errors of the system come
 * as they are.
 *
 * The kernel's own lock (flock) is what counts: it is gone with its process, and it is seen by other containers on the
 * same machine. Node cannot ask for it, but the program `flock` (of util-linux or busybox) can, for a descriptor that it
 * inherits: the lock belongs to the open file and so outlives that program. Where there is no such program, or the file
 * system has no locks, the file itself tells a dead owner from a living one: by process id, the process's start time
 * (ids come again, in containers at once) and the machine's boot.
 */
export function takeFileLock(path: string): FileLock {
  const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644)
  const owner = readFileSync(path, 'utf8')
  const mine = processIdentity(process.pid)
  const isTaken = isLockedByOther(descriptor) || held.has(path) || (owner !== mine && isAlive(owner))
  if (isTaken) {
    closeSync(descriptor)
    return { kind: 'taken', owner: owner.split(' ')[0] ?? '' }
  }
  ftruncateSync(descriptor, 0)
  writeSync(descriptor, mine, 0)
  held.add(path)
  return {
    kind: 'held',
    // The file stays: who waits for it to vanish and who makes it anew could otherwise both believe to have it.
    release() {
      held.delete(path)
      ftruncateSync(descriptor, 0)
      closeSync(descriptor)
    },
  }
}

const lockProgram = 'flock'

/** Those of this process, where the kernel is not asked. */
const held = new Set<string>()

/** Also takes the lock if nobody has it; false, too, where it cannot be taken at all. */
function isLockedByOther(descriptor: number): boolean {
  const { status } = spawnSync(lockProgram, ['-x', '-n', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', descriptor],
  })
  return status === 1
}

function isAlive(identity: string): boolean {
  const pid = Number(identity.split(' ')[0])
  return pid > 0 && exists(pid) && processIdentity(pid) === identity
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** `pid starttime boot-id`; only the id where there is no /proc. A process that is gone has no start time. */
function processIdentity(pid: number): string {
  const stat = contentOf(`/proc/${pid}/stat`)
  // The command name, in brackets, may itself hold spaces and brackets; the start time is the 20th field after it.
  const startedAt = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  return `${pid} ${startedAt} ${contentOf('/proc/sys/kernel/random/boot_id').trim()}`
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
