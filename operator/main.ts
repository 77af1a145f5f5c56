import { enableCompileCache } from 'node:module'

/**
 * The operator's process: `node operator/main.ts`, told by environment variables. Logs JSON lines. SIGTERM and SIGINT
 * stop it cleanly; losing the leader lease ends it, and another takes over.
 *
 * The rest is imported only after the compile cache is on: that makes every start but the first several times faster.
 */
enableCompileCache()
const { main } = await import('./run-operator.ts')
await main()
