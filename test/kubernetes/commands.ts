/** Commands of the machine, whose failing is an error with what they said. */
import { type CommandOptions, run } from '../targets/processes.ts'

/** Standard output of a command that must end well. */
export async function must(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { exit, stdout, stderr } = await run(command, args, options)
  if (exit !== 0) {
    const said = (stderr + stdout).trim().slice(-4_000)
    throw new Error(`${command} ${args.join(' ')} ended with ${exit}: ${said}`)
  }
  return stdout
}
