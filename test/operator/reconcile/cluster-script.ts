/**
 * Plays a script over one Cluster in a FakeWorld. Input: what people and machines do, and `settle` or `turn N`, in which the
 * operator works. Output: what it does, turn by turn, and what it says of the Cluster whenever that changes.
 */
import { parse } from 'yaml'
import type { Condition } from '../../../operator/resources/conditions.ts'
import type { Player } from '../../support/script.ts'
import { FakeWorld } from './fake-world.ts'

/** What people look at first; the others say the same in more detail. */
const shownConditions = ['Ready', 'Progressing', 'Degraded', 'Paused', 'StorageHealthy']
const mostTurns = 300

export function clusterPlayer(): Player {
  let world: FakeWorld | undefined
  return line => {
    const [word = '', ...rest] = line.split(' ')
    const text = rest.join(' ')
    if (word === 'cluster') {
      const spec = { etcd: { managed: { replicas: 1 } }, ...(parse(text) as object) }
      if (world === undefined) world = new FakeWorld(spec)
      else world.change(spec)
      return []
    }
    if (world === undefined) throw new Error('A script begins with `cluster {…}`.')
    switch (word) {
      case 'settle':
        return turns(world, mostTurns)
      case 'turn':
        return turns(world, Number(text))
      case 'quietly':
        turns(world, mostTurns)
        return []
      default:
        happen(world, word, rest)
        return []
    }
  }
}

/** What happens around the operator. */
function happen(world: FakeWorld, word: string, rest: readonly string[]): void {
  const [first = ''] = rest
  switch (word) {
    case 'topic': {
      const partitions = rest.slice(1).map(ids => ids.split(',').map(Number))
      world.topics.set(
        first,
        partitions.map(replicas => ({ replicas, inSync: [...replicas] })),
      )
      return
    }
    case 'delete-pod':
      world.deletePod(first)
      return
    case 'broken-image':
      world.brokenImages.add(first)
      return
    case 'recovering':
      world.kafka.recovering.add(Number(first))
      return
    case 'recovered':
      world.kafka.recovering.delete(Number(first))
      return
    case 'disk-fails':
      world.kafka.failedDirectories.set(Number(first), rest.slice(1).join(' '))
      return
    case 'disk-works':
      world.kafka.failedDirectories.delete(Number(first))
      return
    case 'approve':
      world.annotations = {
        'barnabas.dev/approve-plan': first === 'plan' ? (world.status.plan?.hash ?? '') : first,
      }
      return
    case 'fits-nowhere':
      world.unschedulable.add(first)
      return
    case 'fits':
      world.unschedulable.delete(first)
      return
    case 'lose-volume':
      world.loseVolume(first)
      return
    case 'seconds':
      world.nowMs += Number(first) * 1000
      return
    case 'operator-restarts':
      world.restartOperator()
      return
    default:
      throw new Error(`A script cannot do '${word}'.`)
  }
}

/** Until nothing is written any more, at most so many. */
function turns(world: FakeWorld, most: number): readonly string[] {
  const lines: string[] = []
  for (let turn = 0; turn < most; turn++) {
    const from = world.history.length
    const before = tellings(world)
    world.reconcile()
    const done = world.history.slice(from).filter(what => what !== 'status')
    lines.push(...inFewLines(done), ...tellings(world).filter(telling => !before.includes(telling)))
    const moved = world.step()
    world.nowMs += 1000
    if (world.history.length === from && !moved) return lines
  }
  return lines
}

/** Conditions and the plan as they are told now. */
function tellings(world: FakeWorld): readonly string[] {
  const { conditions = [], plan, members = [], etcd } = world.status ?? {}
  const shown = shownConditions
    .map(type => conditions.find(condition => condition.type === type))
    .filter(condition => condition !== undefined)
  const blocked = members.flatMap(({ id, blockedBy }) =>
    blockedBy === undefined ? [] : [`  broker ${id} blocked: ${blockedBy}`],
  )
  return [
    ...shown.map(sentenceOf),
    ...(plan === undefined ? [] : [`  plan: ${plan.summary}`]),
    ...members
      .filter(({ state }) => state === 'Recovering' || state === 'Failed')
      .map(({ id, state }) => `  broker ${id}: ${state}`),
    ...blocked,
    ...(etcd?.members ?? [])
      .filter(({ state }) => state !== 'Ready' && state !== 'Starting')
      .map(({ pod, state }) => `  ${pod}: ${state}`),
  ]
}

function sentenceOf({ type, status, reason, message }: Condition): string {
  return `  ${type}=${status} ${reason}${message === '' ? '' : `: ${message}`}`
}

/** Objects that are applied in one go stand in one line. */
function inFewLines(actions: readonly string[]): readonly string[] {
  const lines: string[] = []
  for (const action of actions) {
    const [verb = '', rest = ''] = action.split(/ (.*)/s)
    const last = lines.at(-1)
    if ((verb === 'apply' || verb === 'annotate') && last?.startsWith(`${verb} `) === true)
      lines[lines.length - 1] = `${last}, ${rest}`
    else lines.push(action)
  }
  return lines
}
