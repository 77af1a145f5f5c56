import { Connection, ConnectionError } from '../client/index.ts'

/**
 * A connection to the first of the addresses (host:port, separated by commas) that can be reached. Rejects with a
 * ConnectionError that names what was tried.
 */
export async function connectToAny(
  bootstrap: string,
  clientId: string,
  timeoutMs: number,
): Promise<Connection> {
  const failures: string[] = []
  for (const address of bootstrap.split(',').map(part => part.trim())) {
    const at = address.lastIndexOf(':')
    const host = address.slice(0, at).replace(/^\[(.*)\]$/, '$1')
    try {
      return await Connection.open({ host, port: Number(address.slice(at + 1)), clientId, timeoutMs })
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw new ConnectionError(failures.join(' '))
}
