/** The image of broker, operator and command line as one tar file, made without Docker and without a registry. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { assembleRoot, imageUser } from './assemble-root.ts'
import { writeImageArchive } from './image-archive.ts'

/** Writes `archive`. `npm run build` comes before. */
export async function makeImage(name: string, archive: string): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'barnabas-image-'))
  try {
    await assembleRoot(root, true)
    mkdirSync(dirname(archive), { recursive: true })
    await writeImageArchive({
      name,
      root,
      archive,
      config: {
        Entrypoint: ['/usr/local/bin/node'],
        Cmd: ['/app/broker/main.js'],
        Env: ['PATH=/usr/local/bin', 'NODE_ENV=production'],
        User: `${imageUser}:${imageUser}`,
        WorkingDir: '/app',
      },
    })
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
