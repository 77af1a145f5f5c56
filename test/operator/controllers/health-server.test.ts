import { expect, test } from 'vitest'
import { HealthServer } from '../../../operator/controllers/health-server.ts'

test('it tells whether it lives and works, and its metrics', async () => {
  let reasons: string[] = ['The caches are not filled yet.']
  const server = await HealthServer.open(0, {
    alive: () => [],
    ready: () => reasons,
    metrics: () => Promise.resolve({ contentType: 'text/plain', text: 'a 1\n' }),
  })
  try {
    const ask = async (path: string, method = 'GET') => {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method })
      return [response.status, await response.text()]
    }
    expect(await ask('/healthz')).toEqual([200, '{"alive":true,"reasons":[]}\n'])
    expect(await ask('/readyz')).toEqual([
      503,
      '{"ready":false,"reasons":["The caches are not filled yet."]}\n',
    ])
    reasons = []
    expect((await ask('/readyz'))[0]).toBe(200)
    expect(await ask('/metrics')).toEqual([200, 'a 1\n'])
    expect((await ask('/else'))[0]).toBe(404)
    expect((await ask('/metrics', 'POST'))[0]).toBe(405)
  } finally {
    await server.stop()
  }
})
