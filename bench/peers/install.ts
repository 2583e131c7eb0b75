import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'

const at = (file: string) => statSync(new URL(file, import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0

/** Installs the peers if they are not there as the lock file says: nobody else needs them. */
export function installPeers(): void {
  if (at('node_modules/.package-lock.json') >= at('package-lock.json')) return
  const folder = new URL('.', import.meta.url).pathname
  execFileSync('npm', ['ci', '--prefix', folder], { stdio: ['ignore', 'ignore', 'inherit'] })
}
