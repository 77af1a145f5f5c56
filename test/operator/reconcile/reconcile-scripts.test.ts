import { testScripts } from '../../support/script.ts'
import { clusterPlayer } from './cluster-script.ts'

testScripts('reconcile', 'cluster-', clusterPlayer)
