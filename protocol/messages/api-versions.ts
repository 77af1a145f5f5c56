import { arrayOf, bool, int16, int32, int64, string, tagged } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/**
 * What the broker speaks. Asked first on every connection, also before authentication. The response header
 * stays at v0 whatever the version, so that any client can read the refusal of a version that is too new. v3
 * is flexible and carries features.
 */
export const apiVersions = defineApi({
  key: 18,
  name: 'ApiVersions',
  versions: '0-4',
  flexible: '3+',
  request: {
    clientSoftwareName: string('3+', { ignorable: true }),
    clientSoftwareVersion: string('3+', { ignorable: true }),
  },
  response: {
    errorCode: int16(),
    apiKeys: arrayOf({
      apiKey: int16(),
      minVersion: int16(),
      maxVersion: int16(),
    }),
    throttleTimeMs: int32('1+', { ignorable: true }),
    supportedFeatures: tagged(
      0,
      arrayOf(
        {
          name: string(),
          minVersion: int16(),
          maxVersion: int16(),
        },
        '3+',
        { ignorable: true },
      ),
    ),
    finalizedFeaturesEpoch: tagged(1, int64('3+', { default: -1, ignorable: true })),
    finalizedFeatures: tagged(
      2,
      arrayOf(
        {
          name: string(),
          maxVersionLevel: int16(),
          minVersionLevel: int16(),
        },
        '3+',
        { ignorable: true },
      ),
    ),
    zkMigrationReady: tagged(3, bool('3+', { default: false, ignorable: true })),
  },
})
