// Floors and file sizes. dependency-cruiser passes silently when it reads nothing, so what it read is counted.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const MAX_LINES = 300
const sources = ['grantor', 'sql', 'server'].flatMap((name) =>
  readdirSync(`packages/${name}/src`, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => `packages/${name}/src/${file}`)
)
const { stdout } = spawnSync(
  process.execPath,
  [
    'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
    '--config',
    '.dependency-cruiser.cjs',
    '--output-type',
    'json',
    'packages/grantor/src',
    'packages/sql/src',
    'packages/server/src'
  ],
  { encoding: 'utf8', maxBuffer: 1 << 28 }
)
const { summary, modules } = JSON.parse(stdout || `{"summary":{"violations":[]},"modules":[]}`)
const cruised = new Set(modules.map(({ source }) => source))
const faults = summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} → ${to}`)
for (const file of sources) {
  if (!cruised.has(file)) faults.push(`${file} was not read by dependency-cruiser`)
  const lines = readFileSync(file, 'utf8').split('\n').length - 1
  if (lines > MAX_LINES) faults.push(`${file} has ${lines} lines; look for the wall that is missing above ${MAX_LINES}`)
}
if (sources.length === 0) faults.push('there are no sources')
for (const fault of faults) console.error(fault)
console.log(`${sources.length} files, ${summary.totalDependenciesCruised ?? 0} imports, ${faults.length} faults`)
process.exitCode = faults.length > 0 ? 1 : 0
