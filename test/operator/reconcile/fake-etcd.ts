import type { ClusterAction } from '../../../operator/reconcile/actions.ts'
import type { EtcdMember } from '../../../operator/reconcile/observed-cluster.ts'

/** The list of members, and who of them can start. */
export class FakeEtcd {
  members: EtcdMember[] = []
  /** Names of those that join and do not serve yet. */
  readonly slow = new Set<string>()
  /** Those that began it. */
  #founders: string | undefined
  readonly #volumes = new Map<string, string>()
  #made = 0

  /**
   * `told`: the ConfigMap that it reads. A member is who it was only with its volume; without, it joins only as a new one
   * that the others were told of, and only if it knows of exactly those that there are.
   */
  join(
    name: string,
    { volume, told }: { readonly volume: string; readonly told: Readonly<Record<string, string>> },
  ): boolean {
    const peerUrl = `http://${name}.demo-etcd.team.svc.cluster.local:2380`
    const member = this.members.find(({ peerUrls }) => peerUrls.includes(peerUrl))
    const all = told['members'] ?? ''
    if (member === undefined) {
      // Anybody else would begin an etcd of its own, beside the one that there is.
      if (told['state'] !== 'new' || (this.#founders !== undefined && this.#founders !== all)) return false
      this.#founders = all
      const id = `member-${++this.#made}`
      this.members = [...this.members, { id, name, peerUrls: [peerUrl], isLearner: false }]
      this.#volumes.set(id, volume)
      return true
    }
    if (member.name === '') {
      if (told['state'] !== 'existing' || all.split(',').length !== this.members.length) return false
      this.members = this.members.map(each => (each === member ? { ...each, name } : each))
      this.#volumes.set(member.id, volume)
      return true
    }
    return this.#volumes.get(member.id) === volume
  }

  replace({ memberId, peerUrl }: { readonly memberId: string; readonly peerUrl: string }): void {
    this.#remove(memberId)
    this.#list(peerUrl, false)
  }

  change({ change, memberId, peerUrl }: Extract<ClusterAction, { kind: 'changeEtcdMembers' }>): void {
    switch (change) {
      case 'add':
        this.#list(peerUrl, true)
        return
      case 'promote':
        this.members = this.members.map(each => (each.id === memberId ? { ...each, isLearner: false } : each))
        return
      case 'remove':
        this.#remove(memberId)
        this.#founders = ''
    }
  }

  #list(peerUrl: string, isLearner: boolean): void {
    this.members = [
      ...this.members,
      { id: `member-${++this.#made}`, name: '', peerUrls: [peerUrl], isLearner },
    ]
  }

  #remove(memberId: string): void {
    this.members = this.members.filter(({ id }) => id !== memberId)
  }
}
