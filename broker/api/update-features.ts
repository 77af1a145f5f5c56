import { errorCode, updateFeatures } from '../../protocol/index.ts'
import type { ControllerClient, FeatureUpdate } from '../controller/controller-client.ts'
import { type ApiHandler, handler } from './handler.ts'

const upgradeTypes: ReadonlyMap<number, FeatureUpdate['upgradeType']> = new Map([
  [1, 'upgrade'],
  [2, 'safe downgrade'],
  [3, 'unsafe downgrade'],
])

/** UpdateFeatures: all of the updates or none (KIP-584, KIP-1022). */
export function updateFeaturesHandler(parts: { readonly controller: ControllerClient }): ApiHandler {
  return handler(updateFeatures, {}, async (request, context) => {
    const updates: FeatureUpdate[] = []
    for (const { feature, maxVersionLevel, allowDowngrade, upgradeType: asked } of request.featureUpdates) {
      const type = context.apiVersion === 0 && allowDowngrade ? 2 : asked
      const upgradeType = upgradeTypes.get(type)
      if (upgradeType === undefined) {
        const errorMessage = `The upgrade type ${type} of the feature ${feature} does not exist.`
        return {
          throttleTimeMs: 0,
          errorCode: errorCode('INVALID_UPDATE_VERSION'),
          errorMessage,
          results: [],
        }
      }
      updates.push({ name: feature, level: maxVersionLevel, upgradeType })
    }
    const { error, message } = await parts.controller.updateFeatures({
      updates,
      validateOnly: request.validateOnly,
      timeoutMs: request.timeoutMs,
    })
    return {
      throttleTimeMs: 0,
      errorCode: errorCode(error),
      errorMessage: message,
      results:
        error === 'NONE'
          ? updates.map(({ name }) => ({ feature: name, errorCode: 0, errorMessage: null }))
          : [],
    }
  })
}
