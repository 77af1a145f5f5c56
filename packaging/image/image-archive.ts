/** A container image as one tar file, as `docker load` and `ctr images import` take it, made with nothing but tar. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

export interface ImageArchive {
  /** Repository and tag. */
  readonly name: string
  /** Directory that becomes the root of the image's file system. */
  readonly root: string
  /** The file to write. */
  readonly archive: string
  /** What a container runs, and as whom: the fields of an image configuration, in its own spelling. */
  readonly config: ImageConfig
}

export interface ImageConfig {
  readonly Entrypoint?: readonly string[]
  readonly Cmd?: readonly string[]
  readonly Env?: readonly string[]
  readonly User?: string
  readonly WorkingDir?: string
  readonly Labels?: Readonly<Record<string, string>>
}

/** The same root gives the same bytes: names in order, no times, everything owned by root. */
export async function writeImageArchive({ name, root, archive, config }: ImageArchive): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'image-'))
  try {
    const layer = join(work, 'layer.tar')
    await execute('tar', [...reproducible, '-C', root, '-cf', layer, '.'])
    const layerId = `sha256:${await sha256Of(layer)}`
    const configJson = JSON.stringify({
      architecture: architectures[process.arch] ?? process.arch,
      os: 'linux',
      config,
      rootfs: { type: 'layers', diff_ids: [layerId] },
      history: [{ created_by: 'barnabas' }],
    })
    const configFile = `${createHash('sha256').update(configJson).digest('hex')}.json`
    writeFileSync(join(work, configFile), configJson)
    const manifest = [{ Config: configFile, RepoTags: [name], Layers: ['layer.tar'] }]
    writeFileSync(join(work, 'manifest.json'), JSON.stringify(manifest))
    await execute('tar', [
      ...reproducible,
      '-C',
      work,
      '-cf',
      archive,
      'manifest.json',
      configFile,
      'layer.tar',
    ])
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64' }

const reproducible = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner']

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
