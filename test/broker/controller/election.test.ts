import { afterEach, describe, expect, test } from 'vitest'
import {
  OutcomeUnknown,
  StoreUnavailable,
  type Transaction,
} from '../../../broker/metadata/metadata-store.ts'
import { type Interference, interfering } from './interfering-store.ts'
import { OneStoreCluster } from './one-store-cluster.ts'

let cluster: OneStoreCluster

afterEach(() => cluster.dispose())

function writes(transaction: Transaction, key: string): boolean {
  return transaction.put?.some(put => put.key === key) === true
}

describe('the election of a controller', () => {
  test.each(['controller', 'brokers/1'])('survives a lost answer to the claim of %s', async key => {
    let lost = 0
    const interference: Interference = {
      commit: async (transaction, really) => {
        const result = await really()
        if (writes(transaction, key) && lost++ === 0) throw new OutcomeUnknown('The answer was lost.')
        return result
      },
    }
    cluster = await OneStoreCluster.start([1], interfering(interference))
    expect(lost).toBeGreaterThan(0)
    expect(cluster.image.controller?.epoch).toBe(cluster.activeBroker.membership.controllerEpoch)
  })

  test('finds out later that the claim was won when it could not be read back either', async () => {
    let isCutOff = false
    let claims = 0
    const interference: Interference = {
      commit: async (transaction, really) => {
        if (!writes(transaction, 'controller')) return really()
        if (claims++ === 0) {
          await really()
          isCutOff = true
          throw new OutcomeUnknown('The answer was lost.')
        }
        isCutOff = false
        return really()
      },
      get: () => {
        if (isCutOff) throw new StoreUnavailable('Cut off.')
      },
    }
    cluster = await OneStoreCluster.start([], interfering(interference))
    const joining = cluster.join(1)
    await cluster.until(() => isCutOff)
    const broker = cluster.brokers.get(1)!
    expect(broker.membership.controllerEpoch).toBeUndefined()
    for (let step = 0; step < 20 && broker.membership.controllerEpoch === undefined; step++)
      await cluster.advance(500)
    await joining
    expect(cluster.image.controller?.epoch).toBe(broker.membership.controllerEpoch)
    expect(claims).toBe(2)
  })

  test('while the store cannot be reached nobody acts, and nothing is given up', async () => {
    let isDown = false
    const down = (): never => {
      throw new StoreUnavailable('No member answers.')
    }
    const interference: Interference = {
      commit: async (_, really) => (isDown ? down() : really()),
      get: () => {
        if (isDown) down()
      },
    }
    cluster = await OneStoreCluster.start([1], interfering(interference))
    isDown = true
    await cluster.store.commit({ delete: ['controller'] })
    await cluster.advance(20_000)
    expect(cluster.image.controller).toBeNull()
    isDown = false
    await cluster.advance(10_000)
    await cluster.until(() => cluster.image.controller !== null)
    expect(cluster.image.controller?.epoch).toBe(cluster.activeBroker.membership.controllerEpoch)
  })
})
