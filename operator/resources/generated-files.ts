/** Every file that is made from the declarations of the resources. Pure. */
import { stringify } from 'yaml'
import { conditionsPage } from './condition-reasons.ts'
import { customResourceDefinition, kinds } from './custom-resources.ts'
import { referencePage } from './reference.ts'

export interface GeneratedFile {
  /** From the root of the repository. */
  readonly path: string
  readonly text: string
}

export function generatedFiles(): readonly GeneratedFile[] {
  return [
    ...kinds.map(kind => ({
      path: `crds/${kind.kind.toLowerCase()}.yaml`,
      text:
        '# Made from operator/resources by `npm run generate`. Never edit it by hand.\n' +
        stringify(customResourceDefinition(kind), { lineWidth: 110, aliasDuplicateObjects: false }),
    })),
    { path: 'crds/README.md', text: referencePage() },
    { path: 'crds/CONDITIONS.md', text: conditionsPage() },
  ]
}
