import type { HealthReason } from './http/http-endpoint.ts'
import type { RecoveryProgress } from './log/recovery-progress.ts'

/** What /healthz and /readyz say from the first moment to the last. */
export class StartingHealth {
  #state: 'starting' | 'ready' | 'stopping' = 'starting'
  #waitsFor: HealthReason | undefined
  #progress: RecoveryProgress = { remainingLogs: 0, remainingSegments: 0, remainingBytes: 0 }

  alive(): readonly HealthReason[] {
    return []
  }

  ready(): readonly HealthReason[] {
    switch (this.#state) {
      case 'ready':
        return []
      case 'stopping':
        return [{ reason: 'Stopping', message: 'The broker is stopping.' }]
      case 'starting': {
        const { remainingLogs, remainingSegments, remainingBytes } = this.#progress
        if (this.#waitsFor !== undefined) return [this.#waitsFor]
        if (remainingLogs === 0) return [{ reason: 'Starting', message: 'The broker is starting.' }]
        const details = { remainingLogs, remainingSegments, remainingBytes }
        return remainingSegments === 0
          ? [{ reason: 'OpeningLogs', message: 'The logs are being opened.', details }]
          : [{ reason: 'RecoveringLogs', message: 'Logs are read again after an unclean stop.', details }]
      }
    }
  }

  get state(): 'starting' | 'recovering' | 'ready' | 'stopping' {
    return this.#state === 'starting' && this.#progress.remainingSegments > 0 ? 'recovering' : this.#state
  }

  get progress(): RecoveryProgress {
    return this.#progress
  }

  /** Until the next step of the start. `message`: a sentence on why it waits. */
  waitsFor(whom: 'etcd' | 'the controller', message: string): void {
    this.#waitsFor = { reason: whom === 'etcd' ? 'WaitingForEtcd' : 'WaitingForController', message }
  }

  recovering(progress: RecoveryProgress): void {
    this.#waitsFor = undefined
    this.#progress = progress
  }

  isReady(): void {
    this.#state = 'ready'
  }

  stopping(): void {
    this.#state = 'stopping'
  }
}
