import type { Requester } from '../../client/index.ts'
import type { Api } from '../../protocol/index.ts'

/** Answers requests with what was prepared for their API, in order, and remembers what was asked. */
export class FakeRequester {
  readonly requester: Requester
  readonly #asked: { readonly api: string; readonly request: unknown }[] = []

  constructor(answers: Readonly<Record<string, readonly unknown[]>>) {
    const left = new Map(Object.entries(answers).map(([api, list]) => [api, [...list]]))
    const send = (api: Api, request: unknown): Promise<unknown> => {
      this.#asked.push({ api: api.name, request })
      const answer = left.get(api.name)?.shift()
      if (answer === undefined) throw new Error(`No answer to ${api.name} was prepared.`)
      return Promise.resolve(answer)
    }
    this.requester = { send: send as Requester['send'] }
  }

  asked(api: string): unknown[] {
    return this.#asked.filter(each => each.api === api).map(({ request }) => request)
  }
}
