import { expect, test } from 'vitest'
import { apiByKey, apis, initProducerId } from '../../../protocol/index.ts'
import { formatVersions } from '../../../protocol/schema/versions.ts'

// Key, name, versions, first flexible version: the ranges of Kafka 4.3, on which clients rely.
const table = `
0 Produce 3-13 9
1 Fetch 4-18 12
2 ListOffsets 1-11 6
3 Metadata 0-13 9
8 OffsetCommit 2-10 8
9 OffsetFetch 1-10 6
10 FindCoordinator 0-6 3
11 JoinGroup 0-9 6
12 Heartbeat 0-4 4
13 LeaveGroup 0-5 4
14 SyncGroup 0-5 4
15 DescribeGroups 0-6 5
16 ListGroups 0-5 3
17 SaslHandshake 0-1 never
18 ApiVersions 0-4 3
19 CreateTopics 2-7 5
20 DeleteTopics 1-6 4
21 DeleteRecords 0-2 2
22 InitProducerId 0-6 2
23 OffsetForLeaderEpoch 2-4 4
24 AddPartitionsToTxn 0-5 3
25 AddOffsetsToTxn 0-4 3
26 EndTxn 0-5 3
27 WriteTxnMarkers 1-2 1
28 TxnOffsetCommit 0-5 3
29 DescribeAcls 1-3 2
30 CreateAcls 1-3 2
31 DeleteAcls 1-3 2
32 DescribeConfigs 1-4 4
33 AlterConfigs 0-2 2
34 AlterReplicaLogDirs 1-2 2
35 DescribeLogDirs 1-5 2
36 SaslAuthenticate 0-2 2
37 CreatePartitions 0-3 2
38 CreateDelegationToken 1-3 2
39 RenewDelegationToken 1-2 2
40 ExpireDelegationToken 1-2 2
41 DescribeDelegationToken 1-3 2
42 DeleteGroups 0-2 2
43 ElectLeaders 0-2 2
44 IncrementalAlterConfigs 0-1 1
45 AlterPartitionReassignments 0-1 0
46 ListPartitionReassignments 0 0
47 OffsetDelete 0 never
48 DescribeClientQuotas 0-1 1
49 AlterClientQuotas 0-1 1
50 DescribeUserScramCredentials 0 0
51 AlterUserScramCredentials 0 0
55 DescribeQuorum 0-2 0
57 UpdateFeatures 0-2 0
60 DescribeCluster 0-2 0
61 DescribeProducers 0 0
64 UnregisterBroker 0 0
65 DescribeTransactions 0 0
66 ListTransactions 0-2 0
68 ConsumerGroupHeartbeat 0-1 0
69 ConsumerGroupDescribe 0-1 0
71 GetTelemetrySubscriptions 0 0
72 PushTelemetry 0 0
74 ListConfigResources 0-1 0
75 DescribeTopicPartitions 0 0
76 ShareGroupHeartbeat 1 1
77 ShareGroupDescribe 1 1
78 ShareFetch 1-2 1
79 ShareAcknowledge 1-2 1
80 AddRaftVoter 0-1 0
81 RemoveRaftVoter 0 0
83 InitializeShareGroupState 0 0
84 ReadShareGroupState 0 0
85 WriteShareGroupState 0-1 0
86 DeleteShareGroupState 0 0
87 ReadShareGroupStateSummary 0-1 0
88 StreamsGroupHeartbeat 0 0
89 StreamsGroupDescribe 0 0
90 DescribeShareGroupOffsets 0-1 0
91 AlterShareGroupOffsets 0 0
92 DeleteShareGroupOffsets 0 0
`

test('the APIs are those that a broker of Kafka 4.3 offers, in the same versions', () => {
  const lines = [...apis.values()].map(({ key, name, versions, flexible }) => {
    const firstFlexible = flexible.min > flexible.max ? 'never' : flexible.min
    return `${key} ${name} ${formatVersions(versions)} ${firstFlexible}`
  })
  expect(lines).toEqual(table.trim().split('\n'))
})

test('keys that are removed, for controllers only or unknown have no API', () => {
  for (const key of [4, 5, 6, 7, 52, 58, 93, -1, 1000]) expect(apiByKey(key)).toBeUndefined()
})

test('only the newest version of InitProducerId is not ready to be offered', () => {
  expect([...apis.values()].filter(api => api.latestVersionUnstable)).toEqual([initProducerId])
})
