// Packs each package as it would be published and looks at its shape.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = mkdtempSync(join(tmpdir(), 'grantor-pack-'))
const bin = (name) => join('node_modules', '.bin', name)
let failed = false
for (const name of ['grantor', 'sql', 'server']) {
  const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', folder, '-w', `packages/${name}`], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore']
  })
  const report = JSON.parse(packed)
  const { filename } = Array.isArray(report) ? report[0] : Object.values(report)[0]
  const tarball = join(folder, filename)
  for (const [command, ...args] of [
    [bin('publint'), 'run', tarball, '--strict'],
    [bin('attw'), tarball, '--profile', 'esm-only']
  ]) {
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
    if (status !== 0) console.error(stdout + stderr)
    failed ||= status !== 0
    console.log(`${status === 0 ? 'ok' : 'FAILED'} ${command.split('/').pop()} ${filename}`)
  }
}
rmSync(folder, { recursive: true })
process.exitCode = failed ? 1 : 0
