import type { EtcdChange } from '../../../operator/reconcile/actions.ts'
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

  /** Whether the list can be read and changed: when most of the members that have a vote run. */
  get hasQuorum(): boolean {
    const voters = this.members.filter(({ isLearner }) => !isLearner)
    return voters.filter(({ name }) => this.#running.has(name)).length * 2 > voters.length
  }

  change(change: EtcdChange): void {
    if (!this.hasQuorum) throw new Error('etcd has no leader.')
    switch (change.kind) {
      case 'add':
        if (this.members.some(({ peerUrls }) => peerUrls.includes(change.peerUrl))) {
          throw new Error('etcd has a member there.')
        }
        if (change.isLearner && this.members.some(({ isLearner }) => isLearner))
          throw new Error('etcd has a learner already.')
        this.members = [
          ...this.members,
          { id: this.#newId(), name: '', peerUrls: [change.peerUrl], isLearner: change.isLearner },
        ]
        return
      case 'promote':
        this.members = this.members.map(member => {
          if (member.id !== change.memberId) return member
          if (!member.isLearner || !this.#running.has(member.name))
            throw new Error('etcd has no such learner.')
          return { ...member, isLearner: false }
        })
        return
      case 'remove':
        this.remove(change.memberId)
        // A change is agreed on by those that there were.
        if (!this.hasQuorum) throw new Error('etcd has given its quorum away.')
        return
      case 'replace':
        this.remove(change.memberId)
        this.change({ ...change, kind: 'add' })
    }
  }

  remove(memberId: string): void {
    const gone = this.members.find(({ id }) => id === memberId)
    this.members = this.members.filter(member => member !== gone)
    if (gone !== undefined) this.stop(gone.name)
  }

  #starts(name: string, volume: string, state: string, admitted: readonly string[]): boolean {
    const data = this.#volumes.get(volume)
    if (data !== undefined) return this.members.some(({ id }) => id === data)
    if (!admitted.some(each => each.startsWith(`${name}=`))) return false
    const peerUrl = `http://${name}.demo-etcd.team.svc.cluster.local:2380`
    const member = this.members.find(({ peerUrls }) => peerUrls.includes(peerUrl))
    if (state === 'existing') {
      if (member === undefined || admitted.length !== this.members.length) return false
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
    const isLearner = this.members.some(each => each.id === id && each.isLearner)
    const others = this.members.filter(each => each.id !== id)
    this.members = [...others, { id, name, peerUrls: [peerUrl], isLearner }]
  }

  #newId(): string {
    return `member-${++this.#made}`
  }
}
