import { expect, test } from 'vitest'
import { alterTopicConfigs, describeTopicOverrides } from '../../../client/admin/configs.ts'
import { errorCode } from '../../../protocol/index.ts'
import { FakeRequester } from '../../support/fake-requester.ts'

test('only what was set for the topic itself counts as an override', async () => {
  const requester = new FakeRequester({
    DescribeConfigs: [
      {
        results: [
          {
            errorCode: 0,
            resourceName: 'a',
            configs: [
              { name: 'retention.ms', value: '1', configSource: 1 },
              { name: 'segment.bytes', value: '2', configSource: 5 },
            ],
          },
          { errorCode: errorCode('UNKNOWN_TOPIC_OR_PARTITION'), resourceName: 'b', configs: [] },
        ],
      },
    ],
  })
  expect(await describeTopicOverrides(requester.requester, ['a', 'b'])).toEqual(
    new Map([['a', new Map([['retention.ms', '1']])]]),
  )
  expect(await describeTopicOverrides(requester.requester, [])).toEqual(new Map())
})

test('a value is set, none goes back to the default', async () => {
  const requester = new FakeRequester({
    IncrementalAlterConfigs: [{ responses: [{ resourceName: 'a', errorCode: 0, errorMessage: null }] }],
  })
  const changes = [
    { name: 'retention.ms', value: '1' },
    { name: 'cleanup.policy', value: null },
  ]
  expect(await alterTopicConfigs(requester.requester, [{ name: 'a', changes }])).toEqual([
    { name: 'a', error: 'NONE', message: '' },
  ])
  expect(requester.asked('IncrementalAlterConfigs')).toMatchObject([
    {
      resources: [
        {
          resourceType: 2,
          configs: [
            { name: 'retention.ms', configOperation: 0, value: '1' },
            { name: 'cleanup.policy', configOperation: 1, value: null },
          ],
        },
      ],
    },
  ])
})
