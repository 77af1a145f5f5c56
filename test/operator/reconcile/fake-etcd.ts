import type { EtcdMember } from '../../../operator/reconcile/observed-cluster.ts'

/** The list of members, and who of them can start. */
export class FakeEtcd {
  members: EtcdMember[] = []
  readonly #volumes = new Map<string, string>()
  #made = 0

  /** A member is who it was only with its volume; without, it joins only as a new one that the others were told of. */
  join(name: string, { volume, isTold }: { readonly volume: string; readonly isTold: boolean }): boolean {
    const peerUrl = `http://${name}.demo-etcd.team.svc.cluster.local:2380`
    const member = this.members.find(({ peerUrls }) => peerUrls.includes(peerUrl))
    if (member === undefined || (member.name === '' && isTold)) {
      const id = member?.id ?? `member-${++this.#made}`
      this.members = [...this.members.filter(each => each !== member), { id, name, peerUrls: [peerUrl] }]
      this.#volumes.set(id, volume)
      return true
    }
    return this.#volumes.get(member.id) === volume
  }

  replace({ memberId, peerUrl }: { readonly memberId: string; readonly peerUrl: string }): void {
    const others = this.members.filter(({ id }) => id !== memberId)
    this.members = [...others, { id: `member-${++this.#made}`, name: '', peerUrls: [peerUrl] }]
  }
}
