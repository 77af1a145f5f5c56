import { expect, test } from 'vitest'
import { errorWalk, failureResponse } from '../../../broker/api/failure-response.ts'
import { type Api, apis, encodeResponse, fetch, metadata, produce, Writer } from '../../../protocol/index.ts'

function codesIn(api: Api, response: unknown): number[] {
  const codes: number[] = []
  errorWalk(api.response.fields)?.(response, code => codes.push(code))
  return codes
}

test('errors are found wherever they stand in an answer, success is not', () => {
  const response = {
    responses: [
      {
        name: 'a',
        partitionResponses: [
          { index: 0, errorCode: 0 },
          { index: 1, errorCode: 6 },
        ],
      },
      { name: 'b', partitionResponses: [{ index: 0, errorCode: 3 }] },
    ],
  }
  expect(codesIn(produce, response)).toEqual([6, 3])
  expect(codesIn(fetch, { errorCode: 70, responses: [] })).toEqual([70])
})

test('an answer without the parts that can carry errors has none', () => {
  expect(codesIn(produce, { responses: null })).toEqual([])
  expect(codesIn(produce, undefined)).toEqual([])
})

test('a failure is told at the top of an answer that has an error code there', () => {
  expect(failureResponse(fetch, 12, -1)).toMatchObject({ errorCode: -1, responses: [] })
})

test('where an answer has no error code at its top, or not yet, there is no answer to a failure', () => {
  expect(failureResponse(produce, 9, -1)).toBeUndefined()
  expect(failureResponse(fetch, 6, -1)).toBeUndefined()
  expect(failureResponse(metadata, 12, -1)).toBeUndefined()
  expect(failureResponse(metadata, 13, -1)).toBeDefined()
})

test('the answer to a failure can be encoded, for every API and version', () => {
  let answers = 0
  for (const api of apis.values()) {
    for (let version = api.versions.min; version <= api.versions.max; version++) {
      const response = failureResponse(api, version, -1)
      if (response === undefined) continue
      answers++
      encodeResponse(api, version, response, new Writer(256))
    }
  }
  expect(answers).toBeGreaterThan(100)
})
