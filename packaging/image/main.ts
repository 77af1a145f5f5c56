/**
 * node packaging/image/main.ts [NAME]          the image as dist/image.tar, for `docker load` and `ctr images import`
 * node packaging/image/main.ts --root FOLDER   only its files, without C libraries: the Dockerfile's base has them
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { assembleRoot } from './assemble-root.ts'
import { makeImage } from './make-image.ts'

const { values, positionals } = parseArgs({ options: { root: { type: 'string' } }, allowPositionals: true })
if (values.root === undefined) {
  const archive = join(import.meta.dirname, '..', '..', 'dist', 'image.tar')
  await makeImage(positionals[0] ?? 'localhost/barnabas:latest', archive)
  console.log(archive)
} else {
  await assembleRoot(values.root, false)
}
