/** Bit fields of ACL operations in Metadata and Describe answers: bit n = operation code n. */
const operations = {
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  clusterAction: 9,
  describeConfigs: 10,
  alterConfigs: 11,
  idempotentWrite: 12,
} as const

/** The client did not ask. */
export const operationsNotAsked = -(2 ** 31)

/** Without an authorizer everybody may do everything that the resource knows. */
export const allTopicOperations = bits([
  'read',
  'write',
  'create',
  'delete',
  'alter',
  'describe',
  'describeConfigs',
  'alterConfigs',
])

export const allClusterOperations = bits([
  'create',
  'alter',
  'describe',
  'clusterAction',
  'describeConfigs',
  'alterConfigs',
  'idempotentWrite',
])

export const allGroupOperations = bits(['read', 'delete', 'describe'])

function bits(names: readonly (keyof typeof operations)[]): number {
  return names.reduce((field, name) => field | (1 << operations[name]), 0)
}
