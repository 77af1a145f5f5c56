// npm run generate: writes what is made from the declarations of the resources, crds/*.yaml and crds/README.md.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generatedFiles } from '../operator/resources/generated-files.ts'

for (const { path, text } of generatedFiles()) writeFileSync(join(import.meta.dirname, '..', path), text)
