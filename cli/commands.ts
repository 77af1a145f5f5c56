/** The table of commands. What a command does is imported only when it is called. */
import { Command, CommanderError, InvalidArgumentError } from 'commander'

/** Runs the command line and resolves with the exit code: 0 done, 1 failed, 2 asked for wrongly. */
export async function run(argv: readonly string[]): Promise<number> {
  let exitCode = 0
  const program = new Command('barnabas')
    .description('Kafka in TypeScript: clusters on this machine and on Kubernetes.')
    .version('0.1.0')
    .exitOverride()
    .showHelpAfterError('(barnabas --help tells more)')

  program
    .command('up')
    .description('Run a cluster on this machine from Cluster and Topic manifests, as kubectl takes them.')
    .argument('[files...]', 'YAML files; without any, a cluster called "local" with one broker')
    .option('--data-dir <directory>', 'where data is kept (default: ./data/<name of the cluster>)')
    .option('--host <address>', 'address to listen on; 0.0.0.0 lets other machines in', '127.0.0.1')
    .option('--port <port>', 'port of the first listener, instead of the one in the manifest', parsePort)
    .option('--http-port <port>', 'port of /metrics, /healthz and /readyz', parsePort, 9404)
    .option('--verbose', "show all of the broker's log, not only warnings")
    .action(async (files: string[], options: UpFlags) => {
      const { up } = await import('./up.ts')
      exitCode = await up({ ...options, files })
    })

  program
    .command('status')
    .description(
      'Show brokers, controller and partitions of a cluster, what is wrong with it and what to do.',
    )
    .option('--bootstrap-server <addresses>', 'host:port of any cluster, several with commas')
    .option('--data-dir <directory>', 'the cluster that `up` runs there (default: the one below ./data)')
    .addHelpText('after', '\nExit code: 0 all is well, 1 something is wrong, 2 asked for wrongly.')
    .action(async (options: StatusFlags) => {
      const { status } = await import('./status.ts')
      exitCode = await status(options)
    })

  program
    .command('check')
    .description('Produce a record to a topic made for it, read it back, and delete the topic.')
    .requiredOption('--bootstrap-server <addresses>', 'host:port of any cluster, several with commas')
    .option('--wait <seconds>', 'how long to try while it does not work yet', parseSeconds, 0)
    .addHelpText('after', '\nExit code: 0 the record came back, 1 it did not, 2 asked for wrongly.')
    .action(async (options: CheckFlags) => {
      const { check } = await import('./check.ts')
      exitCode = await check(options)
    })

  try {
    await program.parseAsync(argv)
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? 0 : 2
  }
}

interface UpFlags {
  readonly dataDir?: string
  readonly host: string
  readonly port?: number
  readonly httpPort: number
  readonly verbose?: boolean
}

interface StatusFlags {
  readonly bootstrapServer?: string
  readonly dataDir?: string
}

interface CheckFlags {
  readonly bootstrapServer: string
  readonly wait: number
}

function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (!/^\d+$/.test(text) || seconds > 86_400) {
    throw new InvalidArgumentError('Give whole seconds, at most a day.')
  }
  return seconds
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
    throw new InvalidArgumentError('A port is a number from 1 to 65535.')
  }
  return port
}
