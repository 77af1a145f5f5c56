/**
 * Groups of every kind, living in one shard.
 *
 * A shard (coordinator/shard.ts) is one partition of __consumer_offsets replayed into a GroupState. How a kind of group
 * plugs into it:
 *
 * 1. Its state is an immutable value with a `kind` and a `groupId`, added to the union below. It stands in
 *    `GroupState.groups`, a timeline map: `get` is what the next command works on, `committed` what readers may see.
 * 2. Its records are in protocol/internal-records already. `group-records.ts` encodes and decodes all of them;
 *    `apply-records.ts` is the table record kind → function that changes the GroupState, at load and in life alike.
 *    A kind adds its functions there and nowhere else (`apply-consumer-records.ts` next to `apply-classic-records.ts`).
 *    What records do not tell (a member waiting, say) is kept from the value that stood there before.
 * 3. What all groups have in common (positions, expiry, list, delete) asks a kind through `GroupRules`; the table is
 *    `group-rules.ts`. One entry a kind.
 * 4. Its commands are pure functions to a GroupDecision (`group-state.ts`): records to write, effects, the response.
 *    `groups.ts` has one method for each API, which finds the shard, runs the decision and answers.
 *    Timers, parked askers and answers are effects; names for them come from `nameOf` of coordinator/shard-kind.ts.
 * 5. `loaded` in its GroupRules starts its timers after a load.
 *
 * Kinds meet in two places: an empty group may be taken over by another kind, which writes the old kind's tombstones
 * (`GroupRules.tombstones`) before its own first record; and a classic JoinGroup to a consumer group, which
 * `Groups.joinGroup` hands on by the group's `kind`.
 */
import type { ClassicGroup } from './classic-group.ts'
import type { ConsumerGroup } from './consumer-group.ts'

export type Group = ClassicGroup | ConsumerGroup

export type GroupKind = Group['kind']
