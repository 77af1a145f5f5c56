import { enableCompileCache } from 'node:module'

/**
 * The broker's process: `node broker/main.ts --config server.properties`. Logs JSON lines to standard output. SIGTERM
 * and SIGINT stop it cleanly (exit code 0); settings with mistakes are told all at once (exit code 2); anything that
 * keeps it from serving ends it (exit code 1).
 *
 * The rest is imported only after the compile cache is on: that makes every start but the first several times faster.
 */
enableCompileCache()
const { main } = await import('./serve.ts')
await main()
