/** Groups of other people's clients over the protocol of KIP-848. */
import { test } from 'vitest'
import { useBroker, useJavaTools } from './fixture.ts'
import { groupTestSettings } from './group-life.ts'
import { javaClient, librdkafkaClient, platformaticClient } from './group-member.ts'
import { joinDieAndCrash } from './group-scenario.ts'

const broker = useBroker(groupTestSettings)
const tools = useJavaTools()

test.each([platformaticClient('consumer'), javaClient('consumer'), librdkafkaClient('consumer')])(
  'a group of $name goes through joins, a death and a crash of its broker',
  { timeout: 240_000 },
  client => joinDieAndCrash(broker(), tools(), client),
)
