/**
 * Every condition and every reason that a status may have, each with its sentence. What is told is typed by them, so that
 * none is told that is not here; crds/CONDITIONS.md is made from them. Programs may rely on the words.
 */

export const clusterConditions = {
  Ready: 'All is as the spec says: brokers ready and up to date, etcd there, every replica in sync.',
  Available: 'Clients are served: brokers answer and every partition has a leader.',
  UpToDate: 'Every broker and member of etcd runs as the spec says.',
  FullyReplicated: 'Every replica is in sync.',
  EtcdAvailable: 'The etcd of the cluster can be written to.',
  StorageHealthy: 'Every log directory works and has room.',
  Progressing: 'The operator is on its way to what the spec says.',
  Degraded: 'It does not get there without help.',
  Reconciling: 'As Progressing, under the name that kstatus knows.',
  Stalled: 'As Degraded, under the name that kstatus knows; also when the spec is wrong.',
  Paused: 'Nothing is looked after, because spec.state says so; not there otherwise.',
} as const

export const clusterReasons = {
  AllGood: 'Nothing is wrong.',
  AsAskedFor: 'Every broker and member of etcd runs as the spec says.',
  AskedFor: 'spec.state is Paused.',
  ApprovalNeeded: 'Restarts wait until somebody approves the plan: rollout.mode is Approve.',
  BrokerFailed: 'A broker does not come up.',
  BrokersNotReady: 'Some brokers are not ready, or wait for something that has to be there first.',
  BrokersUnreachable: 'No broker can be asked, so nothing is known.',
  Changing: 'Something that belongs to the cluster is made, changed or waited for.',
  Converged: 'There is nothing to be done.',
  DeletionNeeded: 'Restarts wait until somebody deletes the pods: rollout.mode is OnDelete.',
  DiskFull: 'A disk has no room left, and its broker refuses new records.',
  EtcdChanges: 'Members of etcd come, go or are replaced.',
  Given: 'Brokers run on an etcd that spec.etcd.endpoints names.',
  InSync: 'Every replica is in sync.',
  InvalidSpec:
    'The spec cannot be followed; the message names every mistake, and what is there stays as it is.',
  LogDirectoryFailed: 'Reading or writing a disk failed; replicas on it are offline.',
  NeedsHelp: 'The message says what the operator cannot mend.',
  NoQuorum: 'Too few members of etcd are there.',
  ObjectRefused: 'Kubernetes does not take an object that the spec asks for.',
  OnItsWay: 'What the spec asks for has not reached the objects of brokers and etcd yet.',
  PartitionsOffline: 'Some partitions have no leader.',
  PodsRefused:
    'Kubernetes makes no pods of a StatefulSet: a quota, a limit, a policy or a webhook refuses them.',
  ReplicasBehind: 'Some replicas are not in sync, or on their way to other brokers.',
  RestartRefused: 'The brokers do not grant the next restart yet, because partitions would suffer from it.',
  RestartsPending: 'Some brokers or members of etcd are to be restarted.',
  RollStalled: 'A restarted broker does not come up, so the others are left alone.',
  Rolling: 'Brokers or members of etcd are restarted one by one.',
  ScaleDownBlocked: 'Brokers that are to go cannot be emptied.',
  Scaling: 'Brokers come, or are emptied before they go.',
  Serving: 'Clients, or brokers in the case of etcd, are served.',
  SpaceRunsLow: 'All disks work, but one has little room left.',
} as const

export const topicConditions = {
  Ready: 'The topic is there and looked after.',
  Synced: 'The topic is as the spec says.',
  Conflicted: 'Another Topic, or somebody else, has the topic already.',
  Reassigning: 'Replicas are on their way to other brokers.',
  DeletionBlocked: 'The Topic is to be deleted, and its topic cannot be yet.',
  Reconciling: 'It goes on by itself, under the name that kstatus knows.',
  Stalled: 'It does not get there without help, under the name that kstatus knows.',
} as const

export const topicReasons = {
  ClusterNotFound: 'There is no Cluster of that name.',
  ClusterPaused: 'The Cluster is paused, so nothing is done about its topics.',
  ClusterUnavailable: 'The brokers cannot be asked.',
  DeletionBlocked: 'The topic cannot be deleted yet; the message says why.',
  Drifted: 'The topic differs from the spec, and driftPolicy is Report.',
  Gone: 'The topic was deleted by somebody else, and driftPolicy is Report.',
  InSync: 'The topic is as the spec says.',
  InvalidConfig: 'The brokers refuse what the spec says, or are too few for it; the message says what.',
  NameConflict: 'The topic belongs to another Topic.',
  NamespaceNotAllowed: 'The Cluster takes no Topics from this namespace.',
  Not: 'It is not so.',
  NotAdopted: 'The topic was there before, and adoptionPolicy does not let it be taken over.',
  PartitionDecreaseRefused: 'Fewer partitions are asked for than there are, and records would be lost.',
  QuotaExceeded: 'The namespace would have more partitions than the Cluster allows.',
  Reassigning: 'Replicas are on their way to other brokers.',
} as const

/** What is to be told; the rest follows from what was told before. */
interface Told<Type extends string, Reason extends string> {
  readonly type: Type
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: Reason
  readonly message: string
}

export type TopicReason = keyof typeof topicReasons
export type ClusterTold = Told<keyof typeof clusterConditions, keyof typeof clusterReasons>
export type TopicTold = Told<keyof typeof topicConditions, TopicReason>

/** Markdown. */
export function conditionsPage(): string {
  return [
    '# Conditions',
    '',
    'What `status.conditions` of a Cluster and of a Topic may say. Made from `operator/resources/condition-reasons.ts` by',
    '`npm run generate`. Never edit it by hand.',
    '',
    'A type is about one thing, which is so (`True`), is not (`False`) or is not known; its reason is one word for programs,',
    'and its message says more. A reason stands with any type that it explains: that of `Ready` is the one that matters most.',
    '',
    ...section('Cluster', clusterConditions, clusterReasons),
    ...section('Topic', topicConditions, topicReasons),
  ].join('\n')
}

function section(
  kind: string,
  conditions: Readonly<Record<string, string>>,
  reasons: Readonly<Record<string, string>>,
): string[] {
  return [
    `## ${kind}`,
    '',
    ...table('type', conditions),
    '',
    ...table('reason', Object.fromEntries(Object.entries(reasons).sort(([a], [b]) => (a < b ? -1 : 1)))),
    '',
  ]
}

function table(name: string, words: Readonly<Record<string, string>>): string[] {
  return [
    `| ${name} | |`,
    '|---|---|',
    ...Object.entries(words).map(([word, text]) => `| \`${word}\` | ${text} |`),
  ]
}
