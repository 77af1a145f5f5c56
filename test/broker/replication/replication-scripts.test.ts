import { testScripts } from '../../support/script.ts'
import { replicationPlayer } from './replication-player.ts'

testScripts('replication', '', replicationPlayer)
