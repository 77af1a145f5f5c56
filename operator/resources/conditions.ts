/**
 * Conditions of a status: a reason for programs, a sentence for people. Set without noise: the time changes only when the
 * status of the condition does.
 */
import * as z from 'zod'
import type { ClusterTold, TopicTold } from './condition-reasons.ts'
import { field, type FieldNotes } from './field.ts'

export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  /** RFC 3339, whole seconds. */
  readonly lastTransitionTime: string
  readonly observedGeneration?: number | undefined
}

const local: FieldNotes['local'] = 'kubernetes'

export const conditionList = z
  .array(
    z.strictObject({
      type: field(z.string().min(1).max(316), 'What it is about.', local),
      status: field(z.enum(['True', 'False', 'Unknown']), 'Whether it is so.', local),
      reason: field(z.string().min(1).max(1024), 'Why, in one word for programs.', local),
      message: field(z.string().max(32_768), 'Why, in sentences for people.', local),
      lastTransitionTime: field(z.iso.datetime(), 'When the status of the condition last changed.', local),
      observedGeneration: field(z.int().min(0).optional(), 'Generation of the spec that it is about.', local),
    }),
  )
  .max(32)

/** The conditions told, in order, each with the time at which its status became what it is. */
export function updateConditions(
  before: readonly Condition[],
  told: readonly (ClusterTold | TopicTold)[],
  { generation, nowMs }: { readonly generation: number; readonly nowMs: number },
): Condition[] {
  return told.map(({ type, status, reason, message }) => {
    const old = before.find(condition => condition.type === type)
    const lastTransitionTime = old?.status === status ? old.lastTransitionTime : formatTime(nowMs)
    return { type, status, reason, message, lastTransitionTime, observedGeneration: generation }
  })
}

export function formatTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z')
}
