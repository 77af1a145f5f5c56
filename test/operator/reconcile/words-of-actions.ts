import type { ClusterAction } from '../../../operator/reconcile/actions.ts'

/** An action in a few words, for histories of tests. */
export function wordsOf(action: ClusterAction): string {
  switch (action.kind) {
    case 'apply':
      return `apply ${action.object.kind}/${action.object.metadata.name}`
    case 'delete':
      return `delete ${action.ref.kind}/${action.ref.name}`
    case 'annotatePod':
      return `annotate ${action.pod}`
    case 'restartBroker':
      return `restart ${action.broker}: ${action.reason}`
    case 'releaseRestart':
      return `release ${action.broker}`
    case 'alterBrokerSettings':
      return `settings of ${action.broker ?? 'all'}: ${action.changes.map(({ name, value }) => `${name}=${value}`).join(' ')}`
    case 'movePartitions':
      return `move ${action.moves.length}`
    case 'throttleTopics':
      return `${action.isThrottled ? 'throttle' : 'unthrottle'} ${action.topics.join(' ')}`
    case 'changeEtcdMembers': {
      const { change } = action
      return `${change.kind} etcd member ${'peerUrl' in change ? `at ${change.peerUrl}` : change.memberId}`
    }
    case 'tell':
      return `tell ${action.happening.reason}`
  }
}
