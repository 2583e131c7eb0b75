// Writes to the SQLite file that its first argument names until it is killed, and tells its parent what was acknowledged.
import { SqliteStore } from '../src/index.ts'

const store = new SqliteStore({ path: process.argv[2] ?? '' })
for (let batch = 0; ; batch++) {
  const ids = Array.from({ length: 8 }, (_, index) => `${batch}.${index}`)
  await Promise.all(ids.map((id) => store.artifacts.insert({ kind: 'written', id, value: { batch }, expiresAt: 2_000_000_000 })))
  process.send?.(ids)
}
