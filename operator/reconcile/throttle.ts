/**
 * Which topics have their moves held to a speed. Brokers hold back, of the topics that say so, what replicas that are not
 * in sync fetch; so topics say so only while they move, or whoever was restarted would catch up slowly too. What is said
 * is remembered on the StatefulSet before it is said, so that it is taken back whatever happens in between. Pure.
 */
import type { Reassignment } from '../../client/index.ts'
import type { KubeObject } from '../resources/kube-object.ts'
import type { ObservedKafka } from './observed-cluster.ts'

export const throttledAnnotation = 'barnabas.dev/throttled-topics'

export interface ThrottleDecision {
  /** In the order of their names. */
  readonly remembered: readonly string[]
  readonly begin: readonly string[]
  readonly end: readonly string[]
}

export function rememberedTopics(statefulSet: KubeObject | undefined): readonly string[] {
  const text = statefulSet?.metadata.annotations?.[throttledAnnotation] ?? ''
  return text.split(',').filter(name => name !== '')
}

/** `moves`: those that are to begin now. */
export function decideThrottle(
  isAsked: boolean,
  moves: readonly Reassignment[],
  remembered: readonly string[],
  kafka: ObservedKafka,
): ThrottleDecision {
  if (kafka.kind === 'unreachable') return { remembered, begin: [], end: [] }
  const moving = new Set(kafka.moves.map(({ topic }) => topic))
  const wanted = new Set(
    isAsked ? [...moves.map(({ topic }) => topic), ...remembered.filter(topic => moving.has(topic))] : [],
  )
  const end = remembered.filter(topic => !wanted.has(topic) && kafka.throttled.has(topic))
  return {
    remembered: [...wanted, ...end].sort(),
    begin: [...wanted].filter(topic => !kafka.throttled.has(topic)).sort(),
    end,
  }
}
