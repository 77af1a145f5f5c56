/** What an alert is: the rule, and what a person who is woken by it needs to know. Rules and runbooks follow from it. */

export interface Alert {
  readonly name: string
  /** critical: clients are hurt now or data is at risk. warning: they will be if nobody does anything. */
  readonly severity: 'critical' | 'warning'
  /** Every series that it gives, for `for`, is an alert. */
  readonly expression: string
  /** As Prometheus writes durations. */
  readonly for: string
  /** With {{ $labels.cluster }} and {{ $value }} for what it is about. */
  readonly summary: string
  /** What it means for clients and for data. */
  readonly means: string
  /** What to look at and what to do, in order. */
  readonly steps: readonly string[]
}

export interface AlertGroup {
  readonly name: string
  readonly alerts: readonly Alert[]
}

export const where = '{{ $labels.namespace }}/{{ $labels.cluster }}'
