import { describe, expect, test } from 'vitest'
import { changeConfigs, distinctResources, replaceConfigs } from '../../../broker/controller/alter-configs.ts'
import type { ConfigChange } from '../../../broker/controller/controller-client.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import type { ConfigResourceType } from '../../../broker/metadata/image.ts'
import { contextWith, imageAfter, withBroker, withTopic } from './image-of.ts'

const image = imageAfter(withTopic(withBroker(emptyImage, 1), 't', [{}]), [
  {
    kind: 'config',
    type: 'topic',
    name: 't',
    overrides: new Map([
      ['retention.ms', '5'],
      ['cleanup.policy', 'compact'],
    ]),
  },
])

function change(
  name: string,
  operation: ConfigChange['operation'],
  value: string | null = null,
): ConfigChange {
  return { name, operation, value }
}

/** The overrides afterwards, or the refusal. */
function incremental(configs: ConfigChange[], type: ConfigResourceType = 'topic', name = 't'): unknown {
  const { changes, result } = changeConfigs(image, { type, name, configs }, contextWith())
  if (result.error !== 'NONE') {
    expect(changes).toEqual([])
    return [result.error, result.message]
  }
  return Object.fromEntries(imageAfter(image, changes).configs.get(`${type}/${name}`) ?? [])
}

describe('incremental changes of configuration', () => {
  test('set and delete', () => {
    expect(incremental([change('retention.ms', 'SET', '7'), change('cleanup.policy', 'DELETE')])).toEqual({
      'retention.ms': '7',
    })
  })

  test('the last override that goes takes the key with it', () => {
    expect(incremental([change('retention.ms', 'DELETE'), change('cleanup.policy', 'DELETE')])).toEqual({})
  })

  test('append and subtract on lists, from the default where there is no override', () => {
    expect(incremental([change('cleanup.policy', 'APPEND', 'delete, compact')])).toMatchObject({
      'cleanup.policy': 'compact,delete',
    })
    expect(incremental([change('cleanup.policy', 'SUBTRACT', 'compact')])).toMatchObject({
      'cleanup.policy': '',
    })
    const fresh = changeConfigs(
      withTopic(emptyImage, 'new', [{}]),
      { type: 'topic', name: 'new', configs: [change('cleanup.policy', 'APPEND', 'compact')] },
      contextWith(),
    )
    expect(fresh.changes).toMatchObject([{ overrides: new Map([['cleanup.policy', 'delete,compact']]) }])
  })

  test('refuses what cannot be', () => {
    expect(incremental([change('retention.ms', 'APPEND', '1')])).toEqual([
      'INVALID_CONFIG',
      "Can't APPEND to the setting retention.ms: it is not a list.",
    ])
    expect(incremental([change('retention.ms', 'SET')])).toMatchObject(['INVALID_CONFIG', expect.any(String)])
    expect(incremental([change('a', 'SET', '1'), change('a', 'DELETE')])).toMatchObject([
      'INVALID_REQUEST',
      expect.any(String),
    ])
    expect(incremental([change('bad.setting', 'SET', '1')])).toEqual([
      'INVALID_CONFIG',
      'Unknown setting bad.setting.',
    ])
  })

  test('what changes nothing writes nothing', () => {
    const { changes, result } = changeConfigs(
      image,
      {
        type: 'topic',
        name: 't',
        configs: [change('retention.ms', 'SET', '5'), change('never.set', 'DELETE')],
      },
      contextWith(),
    )
    expect(result.error).toBe('NONE')
    expect(changes).toEqual([])
  })

  test('names such as __proto__ are ordinary', () => {
    expect(incremental([change('__proto__', 'SET', '1')], 'group', '__proto__')).toEqual(
      Object.fromEntries([['__proto__', '1']]),
    )
  })
})

describe('resources', () => {
  test.each([
    ['topic', 'x', 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['broker', '9', 'BROKER_ID_NOT_REGISTERED'],
    ['broker', 'one', 'INVALID_REQUEST'],
    ['group', '', 'INVALID_REQUEST'],
    ['client-metrics', '', 'INVALID_REQUEST'],
  ] as const)('%s %j is refused with %s', (type, name, error) => {
    expect(incremental([change('k', 'SET', 'v')], type, name)).toMatchObject([error, expect.any(String)])
  })

  test.each([
    ['broker', '1'],
    ['broker', ''],
    ['group', 'any'],
    ['client-metrics', 'm'],
  ] as const)('%s %j takes overrides', (type, name) => {
    expect(incremental([change('k', 'SET', 'v')], type, name)).toEqual({ k: 'v' })
  })

  test('each is named once', () => {
    const { resources, repeated } = distinctResources([
      { type: 'topic', name: 'a' },
      { type: 'group', name: 'a' },
      { type: 'topic', name: 'a' },
    ])
    expect(resources).toHaveLength(2)
    expect([...repeated]).toEqual(['topic/a'])
  })
})

describe('full changes of configuration', () => {
  test('replace all overrides', () => {
    const configs = [{ name: 'segment.bytes', value: '9' }]
    const { changes } = replaceConfigs(image, { type: 'topic', name: 't', configs }, contextWith())
    expect(imageAfter(image, changes).configs.get('topic/t')).toEqual(new Map([['segment.bytes', '9']]))
    const nothing = replaceConfigs(image, { type: 'topic', name: 't', configs: [] }, contextWith())
    expect(nothing.changes).toMatchObject([{ overrides: null }])
  })

  test('refuse a setting twice or without a value', () => {
    const twice = [
      { name: 'a', value: '1' },
      { name: 'a', value: '2' },
    ]
    expect(
      replaceConfigs(image, { type: 'topic', name: 't', configs: twice }, contextWith()).result.error,
    ).toBe('INVALID_REQUEST')
    const missing = [{ name: 'a', value: null }]
    expect(
      replaceConfigs(image, { type: 'topic', name: 't', configs: missing }, contextWith()).result.error,
    ).toBe('INVALID_CONFIG')
  })
})
