import type { EtcdMember } from '../../../operator/reconcile/observed-cluster.ts'

/** What a member reads when it starts. */
export interface Admission {
  readonly state: string
  /** As ETCD_INITIAL_CLUSTER. */
  readonly members: string
}

/** The list of members, and who of them can start: as careless as etcd itself is. */
export class FakeEtcd {
  members: EtcdMember[] = []
  /** Volume → the member whose data it has. */
  readonly #volumes = new Map<string, string>()
  readonly #running = new Set<string>()
  /** Names of those that join and do not serve yet. */
  readonly slow = new Set<string>()
  #made = 0

  /** Whether it runs. A volume with data makes a member who it was, whatever it reads. */
  start(name: string, volume: string, { state, members }: Admission): boolean {
    const runs = this.#starts(name, volume, state, members.split(','))
    if (runs) this.#running.add(name)
    else this.#running.delete(name)
    return runs
  }

  stop(name: string): void {
    this.#running.delete(name)
  }

  /** Whether the list can be read and changed: when most of the members that have joined run. */
  get hasQuorum(): boolean {
    return this.members.filter(({ name }) => this.#running.has(name)).length * 2 > this.members.length
  }

  replace({ memberId, peerUrl }: { readonly memberId: string; readonly peerUrl: string }): void {
    this.remove(memberId)
    this.members = [...this.members, { id: this.#newId(), name: '', peerUrls: [peerUrl] }]
  }

  remove(memberId: string): void {
    this.members = this.members.filter(({ id }) => id !== memberId)
  }

  #starts(name: string, volume: string, state: string, admitted: readonly string[]): boolean {
    const data = this.#volumes.get(volume)
    if (data !== undefined) return this.members.some(({ id }) => id === data)
    if (!admitted.some(each => each.startsWith(`${name}=`))) return false
    const peerUrl = `http://${name}.demo-etcd.team.svc.cluster.local:2380`
    const member = this.members.find(({ peerUrls }) => peerUrls.includes(peerUrl))
    if (state === 'existing') {
      if (member === undefined) return false
      if (member.name !== '') throw new Error(`${name} comes back without its data as who it was.`)
      this.#join(member.id, name, peerUrl, volume)
      return true
    }
    if (member?.name === name) return false
    // One that was taken out of the list begins as who it was, and is told that it is none of them.
    const isFirst = this.#made < admitted.length
    this.#join(isFirst ? this.#newId() : 'removed', name, peerUrl, volume)
    return isFirst
  }

  #join(id: string, name: string, peerUrl: string, volume: string): void {
    this.#volumes.set(volume, id)
    if (id === 'removed') return
    this.members = [...this.members.filter(each => each.id !== id), { id, name, peerUrls: [peerUrl] }]
  }

  #newId(): string {
    return `member-${++this.#made}`
  }
}
