/** Where pods may be: affinity, tolerations and spread, as Kubernetes has them. Declarations. */
import * as z from 'zod'
import { atomic, integer, keyedBy, onKubernetes } from './field.ts'
import {
  choice,
  mostInt32,
  name,
  optionalInteger,
  optionalText,
  shapeOfKubernetes,
  text,
  textByName,
  texts,
} from './kubernetes-words.ts'

function listOf<Element extends z.ZodType>(element: Element) {
  return atomic(z.array(element, 'must be a list'))
}

export const labelSelector = atomic(
  z.strictObject({
    matchLabels: textByName('Labels that must be there with these values.'),
    matchExpressions: onKubernetes(
      listOf(
        z.strictObject({
          key: onKubernetes(name(), 'Name of the label.'),
          operator: onKubernetes(
            choice('In', 'NotIn', 'Exists', 'DoesNotExist'),
            'How the label is compared with the values.',
          ),
          values: texts('What it is compared with; none for Exists and DoesNotExist.'),
        }),
      ).optional(),
      'Conditions on labels, all of which must hold.',
    ),
  }),
)

// ---- affinity ----

function nodeConditions(sentence: string) {
  return onKubernetes(
    listOf(
      z.strictObject({
        key: onKubernetes(name(), 'Name of the label or field.'),
        operator: onKubernetes(
          choice('In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'),
          'How it is compared with the values.',
        ),
        values: texts(
          'What it is compared with: one whole number for Gt and Lt, none for Exists and DoesNotExist.',
        ),
      }),
    ).optional(),
    sentence,
  )
}

const nodeSelectorTerm = atomic(
  z.strictObject({
    matchExpressions: nodeConditions('Conditions on labels of the node, all of which must hold.'),
    matchFields: nodeConditions('Conditions on fields of the node, all of which must hold.'),
  }),
)

const weight = onKubernetes(integer(1, 100), 'How much it counts beside other wishes.')

const nodeAffinity = z.strictObject({
  requiredDuringSchedulingIgnoredDuringExecution: onKubernetes(
    atomic(
      z.strictObject({
        nodeSelectorTerms: onKubernetes(
          listOf(nodeSelectorTerm),
          'Kinds of nodes; a node must be of one of them.',
        ),
      }),
    ).optional(),
    'Nodes that pods must be on; a pod stays where it is when its node changes later.',
  ),
  preferredDuringSchedulingIgnoredDuringExecution: onKubernetes(
    listOf(
      z.strictObject({
        weight,
        preference: onKubernetes(nodeSelectorTerm, 'Which nodes are meant.'),
      }),
    ).optional(),
    'Nodes that pods would rather be on.',
  ),
})

const podAffinityTerm = z.strictObject({
  topologyKey: onKubernetes(name(), 'Label of nodes; those with the same value are one place.'),
  labelSelector: onKubernetes(labelSelector.optional(), 'Labels of the other pods.'),
  matchLabelKeys: texts('Labels in which the other pods must be like the pod itself.'),
  mismatchLabelKeys: texts('Labels in which the other pods must be unlike the pod itself.'),
  namespaces: texts('Namespaces of the other pods, by name; unset: that of the pod itself.'),
  namespaceSelector: onKubernetes(
    labelSelector.optional(),
    'Namespaces of the other pods, by labels; {} is all of them.',
  ),
})

function nearOthers(must: string, rather: string) {
  return z.strictObject({
    requiredDuringSchedulingIgnoredDuringExecution: onKubernetes(listOf(podAffinityTerm).optional(), must),
    preferredDuringSchedulingIgnoredDuringExecution: onKubernetes(
      listOf(
        z.strictObject({
          weight,
          podAffinityTerm: onKubernetes(podAffinityTerm, 'Which pods and places are meant.'),
        }),
      ).optional(),
      rather,
    ),
  })
}

export const affinity = shapeOfKubernetes(
  z.strictObject({
    nodeAffinity: onKubernetes(nodeAffinity.optional(), 'Which nodes to be on.'),
    podAffinity: onKubernetes(
      nearOthers('Pods whose place must be shared.', 'Pods whose place is rather shared.').optional(),
      'Which pods to be near to.',
    ),
    podAntiAffinity: onKubernetes(
      nearOthers('Pods whose place must not be shared.', 'Pods whose place is rather not shared.').optional(),
      'Which pods to be away from.',
    ),
  }),
  'affinity-v1-core',
)

// ---- taints and spread ----

export const tolerations = atomic(
  z.array(
    shapeOfKubernetes(
      z.strictObject({
        key: optionalText('Taint that is tolerated; unset, with Exists: every taint.'),
        operator: onKubernetes(
          choice('Exists', 'Equal', 'Lt', 'Gt', '').optional(),
          'How the value of the taint is compared; unset: Equal.',
        ),
        value: optionalText('What it is compared with; none for Exists.'),
        effect: onKubernetes(
          choice('NoSchedule', 'PreferNoSchedule', 'NoExecute', '').optional(),
          'Effect of the taint that is tolerated; unset: every effect.',
        ),
        tolerationSeconds: onKubernetes(
          z.int('must be a whole number').optional(),
          'How long a pod stays once a NoExecute taint is there; unset: for ever.',
        ),
      }),
      'toleration-v1-core',
    ),
    'must be a list',
  ),
)

export const topologySpreadConstraints = keyedBy(
  z.array(
    shapeOfKubernetes(
      z.strictObject({
        topologyKey: onKubernetes(name(), 'Label of nodes; those with the same value are one place.'),
        whenUnsatisfiable: onKubernetes(
          choice('DoNotSchedule', 'ScheduleAnyway'),
          'Whether a pod waits when it cannot be spread so.',
        ),
        maxSkew: onKubernetes(
          integer(1, mostInt32),
          'By how many pods one place may have more than another.',
        ),
        minDomains: optionalInteger(1, mostInt32, 'Number of places there must be; with DoNotSchedule only.'),
        labelSelector: onKubernetes(labelSelector.optional(), 'Labels of the pods that are counted.'),
        matchLabelKeys: texts('Labels in which the pods that are counted must be like the pod itself.'),
        nodeAffinityPolicy: onKubernetes(
          choice('Honor', 'Ignore').optional(),
          'Whether only nodes count that the pod may be on by its affinity; unset: Honor.',
        ),
        nodeTaintsPolicy: onKubernetes(
          choice('Honor', 'Ignore').optional(),
          'Whether only nodes count whose taints the pod tolerates; unset: Ignore.',
        ),
      }),
      'topologyspreadconstraint-v1-core',
    ),
    'must be a list',
  ),
  'topologyKey',
  'whenUnsatisfiable',
)

// ---- networks ----

export const networkPolicyPeers = atomic(
  z
    .array(
      shapeOfKubernetes(
        z.strictObject({
          podSelector: onKubernetes(labelSelector.optional(), 'Labels of pods that are let in; {} is all.'),
          namespaceSelector: onKubernetes(
            labelSelector.optional(),
            'Labels of namespaces whose pods are let in; {} is all, unset: its own.',
          ),
          ipBlock: onKubernetes(
            z
              .strictObject({
                cidr: onKubernetes(text(), 'Addresses that are let in, such as 10.0.0.0/8.'),
                except: texts('Addresses among them that are not let in.'),
              })
              .optional(),
            'Addresses; without selectors beside it.',
          ),
        }),
        'networkpolicypeer-v1-networking-k8s-io',
      ),
      'must be a list',
    )
    .max(100),
)
