/** A broker and Kafka's tools for one test file. */
import { afterAll, beforeAll } from 'vitest'
import { BrokerUnderTest, targetFromEnvironment } from '../targets/broker.ts'
import { JavaTools } from '../targets/java-tools.ts'
import { WireConnection } from '../targets/wire-connection.ts'
import { waitUntil } from '../targets/processes.ts'
import {
  apiKeys,
  createTopicsBody,
  createTopicsOutcome,
  listOffsetsBody,
  listOffsetsOutcome,
} from '../targets/wire.ts'

export const target = targetFromEnvironment()

/** Starts a broker before the file's tests and removes it after them. */
export function useBroker(settings: Readonly<Record<string, string>> = {}): () => BrokerUnderTest {
  let broker: BrokerUnderTest | undefined
  beforeAll(async () => {
    broker = await BrokerUnderTest.start(target, { settings })
  })
  afterAll(() => broker?.dispose())
  return () => {
    if (broker === undefined) throw new Error('The broker is there only inside tests.')
    return broker
  }
}

/** One JVM for all of Kafka's tools that the file's tests call. */
export function useJavaTools(): () => JavaTools {
  let tools: JavaTools | undefined
  beforeAll(async () => {
    tools = await JavaTools.start()
  })
  afterAll(() => tools?.stop())
  return () => {
    if (tools === undefined) throw new Error('The tools are there only inside tests.')
    return tools
  }
}

/** Creates a topic (replication factor 1) and waits until every partition is led. */
export async function createTopic(
  broker: BrokerUnderTest,
  topic: string,
  partitions = 1,
  settings: Record<string, string> = {},
): Promise<void> {
  const connection = await WireConnection.open(broker.port)
  try {
    const body = createTopicsBody([topic], partitions, settings)
    const created = createTopicsOutcome(await connection.request(apiKeys.createTopics, 4, body))
    const errorCode = created[0]?.errorCode
    if (errorCode !== 0) throw new Error(`Creating ${topic} was refused with error code ${errorCode}.`)
    // Metadata may tell of leaders before they lead; ListOffsets is answered by those that do.
    await waitUntil(`${topic} is led`, async () => {
      const answer = await connection.request(apiKeys.listOffsets, 1, listOffsetsBody([topic], partitions))
      return listOffsetsOutcome(answer).every(({ errorCode }) => errorCode === 0) || undefined
    })
  } finally {
    connection.close()
  }
}
