import { prepareKafkaJava } from '../targets/kafka-jars.ts'
import { prepareLibrdkafka } from '../targets/librdkafka.ts'

/** Once per run, before all test files: Kafka's jars and our Java programs, librdkafka. */
export async function setup(): Promise<void> {
  await prepareKafkaJava()
  await prepareLibrdkafka()
}
