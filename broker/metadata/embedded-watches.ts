import type { StoreEvent, Watch, Watcher } from './metadata-store.ts'

/** Revisions kept for watches that begin in the past. */
const mostRemembered = 1000

/** Hands the embedded store's revisions to those who watch, each from the revision it asked for. */
export class EmbeddedWatches {
  /** Revisions up to here were handed out and are no longer (or never were) remembered. */
  #forgottenUpTo: number
  #latest: number
  #remembered: { readonly revision: number; readonly events: readonly StoreEvent[] }[] = []
  readonly #watches = new Set<OpenWatch>()
  #ended: Error | undefined

  constructor(revision: number) {
    this.#forgottenUpTo = revision
    this.#latest = revision
  }

  /** Calls begin after this returns. */
  add(prefix: string, fromRevision: number, watcher: Watcher): Watch {
    const watch: OpenWatch = { prefix, watcher, next: fromRevision }
    this.#watches.add(watch)
    const soon = (): void => queueMicrotask(() => this.#catchUp(watch, true))
    soon()
    return { requestProgress: soon, cancel: () => void this.#watches.delete(watch) }
  }

  /** A revision is on the disk. */
  changed(revision: number, events: readonly StoreEvent[]): void {
    this.#latest = revision
    this.#remembered.push({ revision, events })
    for (const watch of this.#watches) this.#catchUp(watch, false)
    if (this.#remembered.length >= 2 * mostRemembered) {
      this.#remembered = this.#remembered.slice(-mostRemembered)
      this.#forgottenUpTo = (this.#remembered[0]?.revision ?? revision + 1) - 1
    }
  }

  end(reason: Error): void {
    this.#ended ??= reason
    for (const watch of this.#watches) this.#endOne(watch, reason)
  }

  #catchUp(watch: OpenWatch, tellProgress: boolean): void {
    if (!this.#watches.has(watch)) return
    if (this.#ended !== undefined) return this.#endOne(watch, this.#ended)
    if (watch.next <= this.#forgottenUpTo) {
      const reason = new Error(`Changes from revision ${watch.next} on are no longer remembered.`)
      return this.#endOne(watch, reason)
    }
    let told = false
    for (const { revision, events } of this.#newerThan(watch.next - 1)) {
      watch.next = revision + 1
      const relevant =
        watch.prefix === '' ? events : events.filter(event => keyOf(event).startsWith(watch.prefix))
      if (relevant.length === 0) continue
      watch.watcher.changed(revision, relevant)
      told = revision === this.#latest
      if (!this.#watches.has(watch)) return
    }
    if (tellProgress && !told && watch.next > this.#latest) watch.watcher.changed(this.#latest, [])
  }

  #newerThan(revision: number): { readonly revision: number; readonly events: readonly StoreEvent[] }[] {
    // Revisions follow each other without gaps.
    const count = this.#latest - revision
    return count <= 0 ? [] : this.#remembered.slice(-count)
  }

  #endOne(watch: OpenWatch, reason: Error): void {
    this.#watches.delete(watch)
    watch.watcher.ended(reason)
  }
}

interface OpenWatch {
  readonly prefix: string
  readonly watcher: Watcher
  /** First revision not yet told. */
  next: number
}

function keyOf(event: StoreEvent): string {
  return event.kind === 'put' ? event.entry.key : event.key
}
