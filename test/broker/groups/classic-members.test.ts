import { testScripts } from '../../support/script.ts'
import { classicPlayer } from './classic-player.ts'

testScripts('classic-groups', 'members-', classicPlayer)
