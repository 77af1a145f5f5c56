/** What pods and their containers may have: resources, rights, variables and pull secrets, as Kubernetes has them. Declarations. */
import * as z from 'zod'
import { atomic, integer, keyedBy, onKubernetes, told } from './field.ts'
import {
  choice,
  kubernetesQuantity,
  kubernetesQuantitySchema,
  mostInt32,
  name,
  optionalFlag,
  optionalInteger,
  optionalText,
  shapeOfKubernetes,
  text,
} from './kubernetes-words.ts'

// ---- resources ----

/** More kinds of resources than any node has; the API server wants a bound where a rule looks at a map. */
const mostResources = 100

const known = ['cpu', 'memory', 'ephemeral-storage']
const others = 'hugepages-SIZE or a name with a domain such as nvidia.com/gpu'

function isResource(key: string): boolean {
  return known.includes(key) || key.startsWith('hugepages-') || key.indexOf('/') > 0
}

function quantities(sentence: string) {
  const schema = z
    .record(z.string(), kubernetesQuantity(), 'must be a map')
    .superRefine((map, context) => {
      for (const key of Object.keys(map)) {
        if (isResource(key)) continue
        context.addIssue({ code: 'custom', path: [key], message: `must be ${known.join(', ')}, ${others}` })
      }
    })
    .refine(map => Object.keys(map).length <= mostResources, `must have at most ${mostResources} entries`)
  const asKubernetes = told(schema, {
    type: 'object',
    additionalProperties: kubernetesQuantitySchema,
    maxProperties: mostResources,
  })
  const isKnown = `name in [${known.map(one => `'${one}'`).join(', ')}]`
  return onKubernetes(asKubernetes.optional(), sentence, {
    rules: [
      {
        rule: `self.all(name, ${isKnown} || name.startsWith('hugepages-') || name.indexOf('/') > 0)`,
        message: `must be of ${known.join(', ')}, ${others}`,
      },
    ],
  })
}

export const resourceRequirements = shapeOfKubernetes(
  z.strictObject({
    requests: quantities('What is set aside for it; unset: as much as the limits.'),
    limits: quantities('The most it may use.'),
    claims: onKubernetes(
      keyedBy(
        z.array(
          z.strictObject({
            name: onKubernetes(name(), 'Name of a claim of the pod.'),
            request: optionalText('Name of a request in the claim; unset: all of it.'),
          }),
          'must be a list',
        ),
        'name',
      ).optional(),
      'Claims of devices that it uses.',
    ),
  }),
  'resourcerequirements-v1-core',
)

// ---- rights ----

function profile(sentence: string) {
  return onKubernetes(
    z
      .strictObject({
        type: onKubernetes(choice('Unconfined', 'RuntimeDefault', 'Localhost'), 'Which profile it is.'),
        localhostProfile: optionalText('Name of a profile on the nodes; with Localhost only.'),
      })
      .optional(),
    sentence,
  )
}

const id = (sentence: string) => optionalInteger(0, mostInt32, sentence)

export const podSecurityContext = shapeOfKubernetes(
  z.strictObject({
    runAsUser: id('User that processes run as.'),
    runAsGroup: id('Group that processes run as.'),
    runAsNonRoot: optionalFlag('Whether a process that would run as root is not started.'),
    fsGroup: id('Group that has the volumes.'),
    fsGroupChangePolicy: onKubernetes(
      choice('OnRootMismatch', 'Always').optional(),
      'Whether files of a volume get their group at every start, or only when its root has another.',
    ),
    supplementalGroups: onKubernetes(
      atomic(z.array(integer(0, mostInt32), 'must be a list')).optional(),
      'Further groups of processes.',
    ),
    supplementalGroupsPolicy: onKubernetes(
      choice('Merge', 'Strict').optional(),
      'Whether groups that the image names for its user count too; unset: Merge, they do.',
    ),
    seLinuxOptions: onKubernetes(
      z
        .strictObject({
          user: optionalText('User of the label.'),
          role: optionalText('Role of the label.'),
          type: optionalText('Type of the label.'),
          level: optionalText('Level of the label.'),
        })
        .optional(),
      'Label of SELinux.',
    ),
    seLinuxChangePolicy: onKubernetes(
      choice('MountOption', 'Recursive').optional(),
      'How volumes get the label of SELinux.',
    ),
    seccompProfile: profile('System calls that are allowed.'),
    appArmorProfile: profile('Profile of AppArmor.'),
    sysctls: onKubernetes(
      atomic(
        z.array(
          z.strictObject({
            name: onKubernetes(name(), 'Name of the parameter.'),
            value: onKubernetes(text(), 'Its value.'),
          }),
          'must be a list',
        ),
      ).optional(),
      'Parameters of the kernel.',
    ),
    windowsOptions: onKubernetes(
      z
        .strictObject({
          gmsaCredentialSpec: optionalText('Credential spec of the group managed service account.'),
          gmsaCredentialSpecName: optionalText('Name of that credential spec.'),
          hostProcess: optionalFlag('Whether containers run as processes of the host.'),
          runAsUserName: optionalText('User that processes run as.'),
        })
        .optional(),
      'Options of Windows, which no image of ours runs on.',
    ),
  }),
  'podsecuritycontext-v1-core',
)

// ---- variables and secrets ----

function keyOf(what: 'ConfigMap' | 'Secret') {
  return atomic(
    z.strictObject({
      name: onKubernetes(name(), `Name of the ${what}.`),
      key: onKubernetes(name(), 'Key in it.'),
      optional: optionalFlag('Whether it may be missing; the variable is missing then, too.'),
    }),
  )
}

export const envVarSource = shapeOfKubernetes(
  z.strictObject({
    configMapKeyRef: onKubernetes(keyOf('ConfigMap').optional(), 'A key of a ConfigMap.'),
    secretKeyRef: onKubernetes(keyOf('Secret').optional(), 'A key of a Secret.'),
    fieldRef: onKubernetes(
      atomic(
        z.strictObject({
          fieldPath: onKubernetes(name(), 'Path of the field, such as metadata.name.'),
          apiVersion: optionalText('Version that the path is of; unset: v1.'),
        }),
      ).optional(),
      'A field of the pod.',
    ),
    resourceFieldRef: onKubernetes(
      atomic(
        z.strictObject({
          resource: onKubernetes(name(), 'Which one, such as limits.cpu.'),
          containerName: optionalText('Container whose resources are meant; unset: that of the variable.'),
          divisor: onKubernetes(kubernetesQuantity().optional(), 'Unit in which it is told; unset: 1.'),
        }),
      ).optional(),
      'A resource of a container.',
    ),
    fileKeyRef: onKubernetes(
      atomic(
        z.strictObject({
          volumeName: onKubernetes(name(), 'Volume with the file.'),
          path: onKubernetes(name(), 'Path of the file in the volume.'),
          key: onKubernetes(name(), 'Key in the file.'),
          optional: optionalFlag('Whether it may be missing; the variable is missing then, too.'),
        }),
      ).optional(),
      'A key of a file of variables.',
    ),
  }),
  'envvarsource-v1-core',
)

export const imagePullSecrets = keyedBy(
  z.array(
    shapeOfKubernetes(
      atomic(z.strictObject({ name: onKubernetes(name(), 'Name of the Secret.') })),
      'localobjectreference-v1-core',
    ),
    'must be a list',
  ),
  'name',
)
