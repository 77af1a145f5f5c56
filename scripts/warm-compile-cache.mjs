// Compiles what `npm start` loads and keeps the result in Node's compile cache.
import { enableCompileCache, flushCompileCache } from 'node:module'

enableCompileCache()
for (const file of ['../cli/up.ts', '../cli/apply-topics.ts', '../broker/serve.ts']) await import(file)
flushCompileCache()
