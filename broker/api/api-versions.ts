import { apiVersions, type Encodable, errorCode } from '../../protocol/index.ts'
import { type ApiHandler, type ApiHandlers, handler } from './handler.ts'

/** ApiVersions: says exactly what is served. Also which features the cluster has, as the caller gives them. */
export function apiVersionsHandler(parts: {
  /** All handlers, this one included: asked when a request comes. */
  readonly served: () => ApiHandlers
  readonly features: () => ClusterFeatures
}): ApiHandler {
  let known: { readonly from: ApiHandlers; readonly apiKeys: readonly ApiRange[] } | undefined
  return handler(apiVersions, {}, (request, context) => {
    if (context.apiVersion >= 3) {
      const { clientSoftwareName: name, clientSoftwareVersion: version } = request
      if (!(softwareName.test(name) && softwareName.test(version))) {
        return { errorCode: errorCode('INVALID_REQUEST'), apiKeys: [] }
      }
      // Kept as long as the connection.
      context.connection.clientSoftware = {
        name: name.slice(0, mostKept),
        version: version.slice(0, mostKept),
      }
    }
    const served = parts.served()
    if (known?.from !== served) known = { from: served, apiKeys: advertised(served) }
    return { errorCode: 0, apiKeys: known.apiKeys, ...featureFields(parts.features(), context.apiVersion) }
  })
}

export interface ClusterFeatures {
  readonly supported: readonly {
    readonly name: string
    readonly minVersion: number
    readonly maxVersion: number
  }[]
  /** Level 0 means: not in use; it is not told to clients. */
  readonly finalized: readonly { readonly name: string; readonly level: number }[]
  /** Only grows; clients believe the highest they have seen. */
  readonly finalizedEpoch: number
}

export const apiVersionsKey: number = apiVersions.key

/** The answer, in version 0, to a version of ApiVersions that this broker does not know. */
export function unsupportedApiVersions(): Encodable<typeof apiVersions.response> {
  return {
    errorCode: errorCode('UNSUPPORTED_VERSION'),
    apiKeys: [
      { apiKey: apiVersions.key, minVersion: apiVersions.versions.min, maxVersion: apiVersions.versions.max },
    ],
  }
}

interface ApiRange {
  readonly apiKey: number
  readonly minVersion: number
  readonly maxVersion: number
}

/** Characters. */
const mostKept = 64

/** Letters, digits, dots and hyphens, neither of the two at an end. Without nested repetition, so it cannot be made slow. */
const softwareName = /^[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?$/

const produceKey = 0

function advertised(served: ApiHandlers): ApiRange[] {
  return [...served.values()]
    .map(({ api }) => ({
      apiKey: api.key,
      // Older librdkafka takes a Produce that does not begin at 0 for a broker without compression and idempotence.
      minVersion: api.key === produceKey ? 0 : api.versions.min,
      maxVersion: api.latestVersionUnstable ? api.versions.max - 1 : api.versions.max,
    }))
    .toSorted((one, other) => one.apiKey - other.apiKey)
}

function featureFields(
  features: ClusterFeatures,
  version: number,
): Pick<
  Encodable<typeof apiVersions.response>,
  'supportedFeatures' | 'finalizedFeatures' | 'finalizedFeaturesEpoch'
> {
  if (version < 3) return {}
  return {
    // Parsers of version 3 fail on a supported feature that begins at level 0.
    supportedFeatures:
      version >= 4 ? features.supported : features.supported.filter(({ minVersion }) => minVersion > 0),
    finalizedFeatures: features.finalized
      .filter(({ level }) => level > 0)
      .map(({ name, level }) => ({ name, maxVersionLevel: level, minVersionLevel: level })),
    finalizedFeaturesEpoch: features.finalizedEpoch,
  }
}
