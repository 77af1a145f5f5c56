/** Kafka's own command line tools, run one after another in one JVM (java/ToolHost.java). */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { prepareKafkaJava } from './kafka-jars.ts'
import type { CommandResult } from './processes.ts'

/** The class behind each of Kafka's scripts. */
const tools = {
  'kafka-topics': 'org.apache.kafka.tools.TopicCommand',
  'kafka-configs': 'kafka.admin.ConfigCommand',
  'kafka-console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'kafka-console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'kafka-producer-perf-test': 'org.apache.kafka.tools.ProducerPerformance',
  'kafka-dump-log': 'org.apache.kafka.tools.DumpLogSegments',
  'kafka-broker-api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  'kafka-get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  'kafka-features': 'org.apache.kafka.tools.FeatureCommand',
  'kafka-consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'kafka-log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  'kafka-delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  'kafka-cluster': 'org.apache.kafka.tools.ClusterTool',
  'kafka-reassign-partitions': 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  'kafka-leader-election': 'org.apache.kafka.tools.LeaderElectionCommand',
  RoundTrip: 'RoundTrip',
  AssignConsumer: 'AssignConsumer',
  FixedRateLatency: 'FixedRateLatency',
  JoinTogether: 'JoinTogether',
} as const

export type ToolName = keyof typeof tools

/** Quick to start and not to warm up. */
const quick = ['-Xmx512M', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
const logging = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']

/** One tool in a JVM of its own, for where `JavaTools` cannot be: in another network. */
export async function toolCommand(tool: ToolName, args: readonly string[]): Promise<readonly string[]> {
  const { classPath } = await prepareKafkaJava()
  return ['java', ...quick, ...logging, '-cp', classPath, tools[tool], ...args]
}

interface Waiting {
  resolve(result: CommandResult): void
  reject(error: Error): void
}

export class JavaTools {
  #child: ChildProcessWithoutNullStreams
  #waiting: Waiting[] = []
  #stderr = ''

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child
    createInterface({ input: child.stdout }).on('line', line => {
      this.#waiting.shift()?.resolve(JSON.parse(line) as CommandResult)
    })
    child.stderr.on('data', chunk => {
      this.#stderr = (this.#stderr + String(chunk)).slice(-10_000)
    })
    child.once('exit', code => {
      for (const waiting of this.#waiting.splice(0)) {
        waiting.reject(new Error(`The JVM of the tools ended with ${code}: ${this.#stderr}`))
      }
    })
    process.once('exit', () => child.kill('SIGKILL'))
  }

  /** Benchmarks give Java options of their own. */
  static async start(options: readonly string[] = quick): Promise<JavaTools> {
    const { classPath } = await prepareKafkaJava()
    return new JavaTools(spawn('java', [...options, ...logging, '-cp', classPath, 'ToolHost']))
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  /** Runs one tool to its end, after those asked for before. */
  run(tool: ToolName, args: readonly string[], input = ''): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#child.stdin.write(`${JSON.stringify({ tool: tools[tool], args, input })}\n`)
    })
  }

  stop(): void {
    this.#child.kill('SIGKILL')
  }
}
