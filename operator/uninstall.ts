/** The process of the chart's pre-delete hook: exit code 0 when the operator may go, 1 when it may not. */
import { systemClock } from '../runtime/clock.ts'
import { ApiServer } from './kube/api-server.ts'
import { loadAccess } from './kube/credentials.ts'
import { prepareUninstall } from './prepare-uninstall.ts'

const {
  WATCH_NAMESPACES: watched = '',
  DEPLOYMENT_NAME: deployment = '',
  FINALIZERS: finalizers,
} = process.env
const access = await loadAccess(process.env, systemClock)
const mayGo = await prepareUninstall({
  api: new ApiServer(access),
  clock: systemClock,
  say: sentence => process.stdout.write(`${sentence}\n`),
  namespace: access.namespace,
  deployment,
  watchedNamespaces: watched.split(',').filter(name => name !== ''),
  finalizers: finalizers === 'Refuse' ? 'Refuse' : 'Release',
})
process.exit(mayGo ? 0 : 1)
