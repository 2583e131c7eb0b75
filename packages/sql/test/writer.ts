// Writes to the SQLite file that its first argument names, ids that begin with its second, until it is killed, and tells its parent what was acknowledged.
import { SqliteStore } from '../src/index.ts'

const [path = '', name = ''] = process.argv.slice(2)
const store = new SqliteStore({ path })
for (let batch = 0; ; batch++) {
  const ids = Array.from({ length: 8 }, (_, index) => `${name}${batch}.${index}`)
  await Promise.all(ids.map((id) => store.artifacts.insert({ kind: 'written', id, value: { batch }, expiresAt: 2_000_000_000 })))
  process.send?.(ids)
}
