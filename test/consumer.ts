import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** A project beside no workspace, with the library as it would be published, its one dependency and Node's types. */
export function createConsumer(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'grantor-consumer-')))
  const modules = join(folder, 'node_modules')
  mkdirSync(join(modules, 'grantor'), { recursive: true })
  const pack = ['pack', '--silent', '--pack-destination', folder, '--workspace', 'packages/grantor']
  const tarball = execFileSync('npm', pack, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  execFileSync('tar', ['-xzf', join(folder, tarball), '-C', join(modules, 'grantor'), '--strip-components', '1'])
  for (const name of ['jose', '@types/node', 'undici-types']) {
    cpSync(join(ROOT, 'node_modules', name), join(modules, name), { recursive: true })
  }
  cpSync(join(ROOT, 'test/consumer'), folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "private": true, "dependencies": { "grantor": "*" } }')
  return folder
}

/** @returns what the type checker says; nothing if all is well */
export function typeErrors(folder: string): string {
  try {
    execFileSync(process.execPath, [join(ROOT, 'node_modules/@typescript/native/bin/tsc'), '-p', folder], { stdio: 'pipe' })
    return ''
  } catch (error) {
    return String((error as { stdout: Buffer }).stdout)
  }
}
