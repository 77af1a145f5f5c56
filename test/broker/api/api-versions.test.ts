import { expect, test } from 'vitest'
import { apiVersionsHandler, type ClusterFeatures } from '../../../broker/api/api-versions.ts'
import {
  apiHandlers,
  type ApiHandlers,
  handler,
  noResponse,
  type RequestContext,
} from '../../../broker/api/handler.ts'
import type { Peer } from '../../../broker/api/request-context.ts'
import {
  type Api,
  type apiVersions,
  type Encodable,
  initProducerId,
  produce,
  saslAuthenticate,
} from '../../../protocol/index.ts'

const features: ClusterFeatures = {
  supported: [
    { name: 'metadata.version', minVersion: 7, maxVersion: 30 },
    { name: 'group.version', minVersion: 0, maxVersion: 1 },
  ],
  finalized: [
    { name: 'metadata.version', level: 30 },
    { name: 'group.version', level: 1 },
    { name: 'share.version', level: 0 },
  ],
  finalizedEpoch: 12,
}

function silent(api: Api): ReturnType<typeof handler> {
  return handler(api, {}, () => noResponse)
}

function ask(
  apiVersion: number,
  request: { clientSoftwareName: string; clientSoftwareVersion: string } = {
    clientSoftwareName: 'apache-kafka-java',
    clientSoftwareVersion: '4.3.1',
  },
  connection: Pick<Peer, 'clientSoftware'> = { clientSoftware: undefined },
): Encodable<typeof apiVersions.response> {
  let served: ApiHandlers = new Map()
  const own = apiVersionsHandler({ served: () => served, features: () => features })
  served = apiHandlers([silent(produce), own, silent(initProducerId), silent(saslAuthenticate)])
  const context = { apiVersion, connection } as RequestContext
  return own.handle(request, context) as Encodable<typeof apiVersions.response>
}

test('exactly what is served is told, in the order of keys', () => {
  expect(ask(4).apiKeys?.map(({ apiKey }) => apiKey)).toEqual([0, 18, 22, 36])
})

test('Produce is told from version 0 on, whatever is served of it', () => {
  expect(ask(4).apiKeys?.[0]).toEqual({ apiKey: 0, minVersion: 0, maxVersion: produce.versions.max })
})

test('a version that may still change is not told', () => {
  expect(initProducerId.latestVersionUnstable).toBe(true)
  expect(ask(4).apiKeys?.[2]?.maxVersion).toBe(initProducerId.versions.max - 1)
})

test('features in use are told with their epoch, those at level 0 are not', () => {
  const { finalizedFeatures, finalizedFeaturesEpoch } = ask(3)
  expect(finalizedFeaturesEpoch).toBe(12)
  expect(finalizedFeatures).toEqual([
    { name: 'metadata.version', maxVersionLevel: 30, minVersionLevel: 30 },
    { name: 'group.version', maxVersionLevel: 1, minVersionLevel: 1 },
  ])
})

test('version 3 hides supported features that begin at 0, version 4 tells them', () => {
  expect(ask(3).supportedFeatures?.map(({ name }) => name)).toEqual(['metadata.version'])
  expect(ask(4).supportedFeatures?.map(({ name }) => name)).toEqual(['metadata.version', 'group.version'])
})

test('older versions know no features', () => {
  expect(ask(2)).not.toHaveProperty('finalizedFeatures')
})

test.each(['', '-kafka', 'kafka-', 'kafka client', 'käfka', 'a\n', `${'a'.repeat(30_000)}!`])(
  'the software name %j is refused',
  name => {
    expect(ask(3, { clientSoftwareName: name, clientSoftwareVersion: '1' }).errorCode).toBe(42)
    expect(ask(3, { clientSoftwareName: 'a', clientSoftwareVersion: name }).errorCode).toBe(42)
    expect(ask(2, { clientSoftwareName: name, clientSoftwareVersion: '' }).errorCode).toBe(0)
  },
)

test.each(['a', 'librdkafka', 'apache-kafka-java', '4.3.1-SNAPSHOT'])(
  'the software name %j is fine',
  name => {
    expect(ask(3, { clientSoftwareName: name, clientSoftwareVersion: name }).errorCode).toBe(0)
  },
)

test('what a client calls itself is known of its connection, shortened', () => {
  const connection: Pick<Peer, 'clientSoftware'> = { clientSoftware: undefined }
  ask(2, { clientSoftwareName: '', clientSoftwareVersion: '' }, connection)
  ask(3, { clientSoftwareName: 'not a name', clientSoftwareVersion: '1' }, connection)
  expect(connection.clientSoftware).toBeUndefined()
  ask(4, { clientSoftwareName: 'kafkajs', clientSoftwareVersion: 'v'.repeat(1000) }, connection)
  expect(connection.clientSoftware).toEqual({ name: 'kafkajs', version: 'v'.repeat(64) })
})
