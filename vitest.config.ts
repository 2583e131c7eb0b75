import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'

// PgBouncer is not on npm. Where it is missing, its tests are not part of the run, and the run says so; POOLER=required lets them fail.
const hasPooler = (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'pgbouncer')))
const isWithoutPooler = !hasPooler && process.env.POOLER !== 'required'
if (isWithoutPooler) console.warn('pgbouncer is not on the PATH: packages/sql/test/pooler is not part of this run')

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(isWithoutPooler ? ['packages/sql/test/pooler/**'] : [])],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    pool: 'forks'
  }
})
