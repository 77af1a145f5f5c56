import type { Api, Encodable } from '../../protocol/index.ts'

export type ResponseOf<Served extends Api> = Encodable<Served['response']>
