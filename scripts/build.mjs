// Builds the packages in the order in which they import one another.
import { spawnSync } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'

const root = new URL('../', import.meta.url).pathname
const tsc = `${root}node_modules/@typescript/native/bin/tsc`

for (const name of ['grantor', 'sql', 'server']) {
  rmSync(`${root}packages/${name}/dist`, { recursive: true, force: true })
  const { status } = spawnSync(process.execPath, [tsc, '-p', `${root}packages/${name}`], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
chmodSync(`${root}packages/server/dist/cli.js`, 0o755)
