/** Three minutes of the faults that `npm run test:faults` draws for as long as one likes. */
import { it } from 'vitest'
import { randomInt, seededRandom, systemRandom } from '../../../runtime/random.ts'
import { expectNoAnomaly, useClusterAtWork } from '../fixture.ts'
import { runMix } from '../mix.ts'

const atWork = useClusterAtWork({ etcd: 3, diskBytes: 512_000_000 }, { impatient: true })

it('three minutes of mixed faults loses, repeats and reorders nothing', async () => {
  const { cluster, workload } = atWork()
  const seed = randomInt(systemRandom, 1_000_000)
  const said = [`seed ${seed}`]
  const say = (sentence: string): void => {
    said.push(sentence)
  }
  try {
    await runMix({ cluster, workload, random: seededRandom(seed), minutes: 3, say })
    expectNoAnomaly(await workload.finish())
  } catch (error) {
    throw new Error(`${said.join('\n')}\n${String(error)}`, { cause: error })
  }
})
