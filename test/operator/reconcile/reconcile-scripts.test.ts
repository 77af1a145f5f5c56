import { testScripts } from '../../support/script.ts'
import { clusterPlayer } from './cluster-script.ts'
import { topicPlayer } from './topic-script.ts'

testScripts('reconcile', 'cluster-', clusterPlayer)
testScripts('reconcile', 'topic-', topicPlayer)
