/** Groups of other people's clients over the classic protocol. */
import { test } from 'vitest'
import { useBroker, useJavaTools } from './fixture.ts'
import { groupTestSettings } from './group-life.ts'
import {
  javaClient,
  kafkajsClient,
  kcatClient,
  librdkafkaClient,
  platformaticClient,
} from './group-member.ts'
import { joinDieAndCrash } from './group-scenario.ts'

const broker = useBroker(groupTestSettings)
const tools = useJavaTools()

test.each([
  kcatClient,
  kafkajsClient,
  platformaticClient('classic'),
  javaClient('range'),
  javaClient('cooperative-sticky'),
  librdkafkaClient('range'),
  librdkafkaClient('cooperative-sticky'),
])('a group of $name goes through joins, a death and a crash of its broker', { timeout: 240_000 }, client =>
  joinDieAndCrash(broker(), tools(), client),
)
