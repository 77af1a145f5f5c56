import { enableCompileCache, flushCompileCache } from 'node:module'

/**
 * The command `barnabas`. The rest is imported only after the compile cache is on: that makes every start but the first
 * several times faster.
 */
enableCompileCache()
const { run } = await import('./commands.ts')
const exitCode = await run(process.argv)
flushCompileCache()
process.exit(exitCode)
