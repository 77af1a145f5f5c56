// Subscriptions by regular expression. The broker finds the topics, in the background, for all of a group's expressions
// together; until it has, a member gets nothing from its expression.

import { compareText } from './assignment-draft.ts'
import { isExpression } from './consumer-group.ts'
import { expressionRecord } from './consumer-group-records.ts'
import { type ConsumerMember, sameNames } from './consumer-member.ts'
import type { ConsumerStep } from './consumer-step.ts'
import { forgetExpressions } from './consumer-members.ts'

/** They are not resolved more often than that, whatever members and topics do. */
export const leastRefreshMs = 10_000
/** They are resolved anew at least that often: what a member may read can change without the topics. */
export const longestRefreshMs = 600_000

/**
 * After a member's record was made: forgets the expression it left, and says whether the one it came to is resolved
 * already, so that its topics count from now on.
 */
export function changeExpression(step: ConsumerStep, before: ConsumerMember, after: ConsumerMember): boolean {
  if (before.subscribedTopicRegex === after.subscribedTopicRegex) return false
  if (isExpression(before.subscribedTopicRegex)) forgetExpressions(step, [before.subscribedTopicRegex])
  return isExpression(after.subscribedTopicRegex) && step.group.expressions.has(after.subscribedTopicRegex)
}

/** Asks for the group's expressions to be resolved when it is time. */
export function refreshExpressions(step: ConsumerStep): void {
  const { group, context } = step
  const { nowMs } = context
  if (group.subscribedExpressions.size === 0 || group.notes.resolving) return
  if (nowMs < group.notes.expressionsAskedAtMs + leastRefreshMs) return
  if (![...group.subscribedExpressions.keys()].some(expression => needsRefresh(step, expression))) return
  step.notes.resolving = true
  step.notes.expressionsAskedAtMs = nowMs
  step.effects.push({ kind: 'resolve', expressions: [...group.subscribedExpressions.keys()] })
}

function needsRefresh({ group, context }: ConsumerStep, expression: string): boolean {
  const resolved = group.expressions.get(expression)
  return (
    resolved === undefined ||
    resolved.version < context.topics.namesRevision ||
    resolved.timestampMs + longestRefreshMs < context.nowMs
  )
}

/** Topics by expression, as of a revision of the metadata. */
export interface Resolution {
  readonly revision: number
  readonly topics: ReadonlyMap<string, readonly string[]>
}

/** What came of it. The group moves on when it makes a difference to anyone. */
export function takeResolution(step: ConsumerStep, resolution: Resolution): void {
  const { group, context } = step
  step.notes.resolving = false
  let changed = false
  for (const [expression, found] of resolution.topics) {
    if (!group.subscribedExpressions.has(expression)) continue
    const topics = [...found].sort(compareText)
    if (!sameNames(topics, group.expressions.get(expression)?.topics ?? [])) changed = true
    step.emit(
      expressionRecord(group.groupId, expression, {
        topics,
        version: resolution.revision,
        timestampMs: context.nowMs,
      }),
    )
  }
  if (changed) step.bumpEpoch()
}
