/** node test/kubernetes/tell-etcd.ts NAMESPACE MEMBERS: the members of the etcd of the Cluster `kafka`, name and id, as JSON. */
import { observeEtcd } from '../../operator/brokers/etcd-members.ts'
import { etcdPorts, hosts } from '../../operator/resources/names.ts'

const [namespace = '', count = ''] = process.argv.slice(2)
const at = { name: 'kafka', namespace, clusterDomain: 'cluster.local' }
const endpoints = Array.from(
  { length: Number(count) },
  (_, index) => `http://${hosts.etcdMember(at, index)}:${etcdPorts.client}`,
)
const seen = await observeEtcd(endpoints)
if (seen.kind !== 'reached') throw new Error(`etcd cannot be asked: ${JSON.stringify(seen)}`)
console.log(JSON.stringify(Object.fromEntries(seen.members.map(({ name, id }) => [name, id]))))
