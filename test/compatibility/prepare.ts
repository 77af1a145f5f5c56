import { prepareKafkaJava } from '../targets/kafka-jars.ts'

/** Once per run, before all test files: Kafka's jars and our Java programs. */
export async function setup(): Promise<void> {
  await prepareKafkaJava()
}
