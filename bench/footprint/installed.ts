import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A package and all that npm brings with it. */
export function installed({ name, root }: { name: string; root: string } = { name: '', root: '' }): {
  packages: number
  bytes: number
  version: string
} {
  if (name === '') return { packages: 0, bytes: 0, version: '' }
  const folders = new Set<string>()
  const visit = (folder: string) => {
    if (folders.has(folder)) return
    folders.add(folder)
    const { dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifest(folder)
    const peers = Object.keys(peerDependencies).filter((peer) => !peerDependenciesMeta[peer]?.optional)
    for (const dependency of [...Object.keys(dependencies), ...peers]) {
      const found = find(dependency, folder)
      if (found) visit(found)
    }
  }
  const first = find(name, realpathSync(root))
  if (!first) throw new Error(`${name} is not installed in ${root}`)
  visit(first)
  const bytes = [...folders].reduce((sum, folder) => sum + sizeOf(folder), 0)
  return { packages: folders.size, bytes, version: manifest(first).version }
}

interface Manifest {
  version: string
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  peerDependenciesMeta?: Record<string, { optional?: boolean }>
}

function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

/** Where Node finds a package from a folder; undefined for an optional one that is not there. */
function find(name: string, from: string): string | undefined {
  const folder = join(from, 'node_modules', name)
  if (statSync(join(folder, 'package.json'), { throwIfNoEntry: false })) return realpathSync(folder)
  return dirname(from) === from ? undefined : find(name, dirname(from))
}

/** Without what belongs to other packages; of one of ours, what is published. */
function sizeOf(folder: string): number {
  const isOurs = !folder.includes('node_modules')
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules' && !name.endsWith('.tsbuildinfo') && (!isOurs || ['dist', 'package.json'].includes(name)))
    .reduce((sum, entry) => sum + (entry.isDirectory() ? treeSize(join(folder, entry.name)) : statSync(join(folder, entry.name)).size), 0)
}

function treeSize(folder: string): number {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(
      (entry) => entry.isFile() && !entry.name.endsWith('.tsbuildinfo') && !entry.parentPath.slice(folder.length).includes('node_modules')
    )
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}
