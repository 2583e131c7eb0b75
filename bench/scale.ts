// What the hot operations of the durable stores cost with 10⁴ … 10⁷ rows in each table: on the newest 10⁴ of them, as in a server whose
// tokens live for an hour, and on any of them, where no cache helps. All sizes are measured in the same rounds, 32 operations at a time, so
// that a sync is shared and what the statements cost is seen. ROWS=1e6 ends earlier.

import { openStore } from '@grantor/sql'
import type { Artifact, Grant, Kind } from 'grantor'
import { type Console, type DurableStore, type Engine, engines, machine, quantile } from './databases.ts'

const ROWS = Number(process.env.ROWS ?? 1e7)
const SIZES = [1e4, 1e5, 1e6, 1e7].filter((size) => size <= ROWS)
const ROUNDS = 30
const AT_ONCE = 32
const NEWEST = 1e4
const CHUNK = 1e5
const NOW = 1_800_000_000
const LATER = NOW + 3600
/** Coprime to every size: multiples of it, modulo a size, visit each row once, in an order that no cache can guess. */
const STRIDE = 2_654_435_761

const PENDING: Kind<{ state: string }> = 'pending'
const ACCESS_TOKEN = 'access_token'
const REFRESH_TOKEN = 'refresh_token'
const KINDS = [ACCESS_TOKEN, ACCESS_TOKEN, REFRESH_TOKEN, PENDING]

const hash = (row: number, factor: number) =>
  Number((BigInt(row) * BigInt(factor)) & 0xffff_ffffn)
    .toString(16)
    .padStart(8, '0')
/** As `createIdentifier` makes them: 8 characters that grow with time, 16 that look like chance; the same as in `fill`. */
const identifier = (row: number) => String(row).padStart(8, '0') + hash(row, STRIDE) + hash(row, 2_246_822_519)

/** Statements that add the rows from … to - 1 to each table. */
function fill(from: number, to: number, isPostgres: boolean): readonly string[] {
  const low = (factor: number) => `((i * ${factor}) & 4294967295)`
  const id = isPostgres
    ? `lpad(i::text, 8, '0') || lpad(to_hex(${low(STRIDE)}), 8, '0') || lpad(to_hex(${low(2_246_822_519)}), 8, '0')`
    : `printf('%08d%08x%08x', i, ${low(STRIDE)}, ${low(2_246_822_519)})`
  const rows = isPostgres
    ? `FROM generate_series(${from}::bigint, ${to - 1}) AS numbers(i)`
    : `FROM (WITH RECURSIVE numbers(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM numbers WHERE i < ${to - 1}) SELECT i FROM numbers)`
  const kind = `CASE i % 4 ${KINDS.map((name, index) => `WHEN ${index} THEN '${name}'`).join(' ')} END`
  const value = `'{"client_id":"client-' || i || '","sub":"user-' || i || '","scope":"read write","aud":["https://api.example.com"],"iat":${NOW},"state":"pending"}'`
  return [
    `INSERT INTO grantor_clients (realm, client_id, record)
     SELECT '', ${id}, '{"client_id":"' || i || '","redirect_uris":["https://client.example.com/cb"],"grant_types":["authorization_code"]}' ${rows}`,
    `INSERT INTO grantor_grants (realm, id, client_id, subject, scope, created_at, expires_at)
     SELECT '', ${id}, 'client-' || i % 1000, 'user-' || ${low(STRIDE)}, '["read","write"]', ${NOW} + i / 1000, ${LATER} + i / 1000 ${rows}`,
    `INSERT INTO grantor_artifacts (realm, kind, id, secret_hash, value, grant_id, expires_at)
     SELECT '', ${kind}, ${id}, 'x23456789-123456789-123456789-123456789-123', ${value}, ${id}, ${LATER} + i / 1000 ${rows}`
  ]
}

/** Fills a database without its secondary indexes, then makes them. */
async function populate(database: Console, size: number, isPostgres: boolean): Promise<void> {
  const indexes = await database.run(
    isPostgres
      ? `SELECT indexname AS name, indexdef AS sql FROM pg_indexes WHERE indexname LIKE 'grantor%by%'`
      : `SELECT name, sql FROM sqlite_master WHERE type = 'index' AND name LIKE 'grantor%by%'`
  )
  const settings = isPostgres
    ? ['SET synchronous_commit = off', `SET maintenance_work_mem = '512MB'`]
    : ['PRAGMA synchronous = OFF', 'PRAGMA cache_size = -500000']
  for (const statement of [...settings, ...indexes.map(({ name }) => `DROP INDEX ${name}`)]) await database.run(statement)
  for (let from = 0; from < size; from += CHUNK) {
    for (const statement of fill(from, Math.min(from + CHUNK, size), isPostgres)) await database.run(statement)
  }
  for (const { sql } of indexes) await database.run(String(sql))
  for (const statement of isPostgres ? ['VACUUM (ANALYZE)', 'CHECKPOINT'] : ['PRAGMA wal_checkpoint(TRUNCATE)'])
    await database.run(statement)
}

/** A filled database, and the operations on it: each call works on a row that no call before it had. */
class Subject {
  readonly size: number
  readonly store: DurableStore
  /** Whether its operations choose among the newest rows, or among all the others if there are any. */
  isHot = true
  readonly #turns = new Map<number | undefined, number>()
  #fresh: number

  constructor(store: DurableStore, size: number) {
    this.store = store
    this.size = size
    this.#fresh = size
  }

  readonly operations: Record<string, () => Promise<boolean>> = {
    'clients.find': async () => (await this.store.clients.find(this.#existing())) !== undefined,
    'grants.find': async () => (await this.store.grants.find(this.#existing())) !== undefined,
    'grants.list of a person': async () => {
      const subject = `user-${Number((BigInt(this.#row()) * BigInt(STRIDE)) & 0xffff_ffffn)}`
      return (await this.store.grants.list({ subject }, NOW)).length > 0
    },
    'grants.insert with a code': async () => {
      const grant: Grant = {
        id: this.#new(),
        clientId: 'client-1',
        subject: `user-${this.#fresh}`,
        scope: ['read'],
        createdAt: NOW,
        expiresAt: LATER
      }
      await this.store.grants.insert(grant, [this.#artifact('authorization_code', grant.id)])
      return true
    },
    'artifacts.find with its grant': async () =>
      (await this.store.artifacts.find(ACCESS_TOKEN, this.#existing(0), NOW))?.grant !== undefined,
    'artifacts.insert': async () => this.store.artifacts.insert(this.#artifact(ACCESS_TOKEN)),
    'artifacts.consume with two yields': async () => {
      const yields = [this.#artifact(ACCESS_TOKEN), this.#artifact(REFRESH_TOKEN)]
      return (await this.store.artifacts.consume({ kind: REFRESH_TOKEN, id: this.#existing(2) }, { now: NOW, yields }))?.first === true
    },
    'artifacts.update (compare and set)': async () =>
      this.store.artifacts.update(PENDING, this.#existing(3), { state: 'done' }, { state: 'pending' }, NOW)
  }

  /** Microseconds for each of the operations that run at once. @throws Error if one did not find what is there */
  async measure(name: string): Promise<number> {
    const operation = this.operations[name] as () => Promise<boolean>
    const start = performance.now()
    const done = await Promise.all(Array.from({ length: AT_ONCE }, operation))
    const time = performance.now() - start
    if (!done.every(Boolean)) throw new Error(`${name} failed with ${this.size} rows`)
    return (time * 1000) / AT_ONCE
  }

  /** The number of a row; with `residue`, of one that has that rest when divided by 4, which says its kind. */
  #row(residue?: number): number {
    const turn = (this.#turns.get(residue) ?? 0) + 1
    this.#turns.set(residue, turn)
    const older = this.size - NEWEST
    const [from, count] = this.isHot || older === 0 ? [older, NEWEST] : [0, older]
    const row = turn * STRIDE
    return from + (residue === undefined ? row % count : (row % (count / KINDS.length)) * KINDS.length + residue)
  }

  #existing(residue?: number): string {
    return identifier(this.#row(residue))
  }

  #new(): string {
    return identifier(this.#fresh++)
  }

  #artifact(kind: string, grantId?: string): Artifact<unknown> {
    const value = { client_id: 'client-1', sub: 'user-1', scope: 'read write', aud: ['https://api.example.com'], iat: NOW }
    const secretHash = 'x23456789-123456789-123456789-123456789-123'
    return { kind, id: this.#new(), secretHash, value, expiresAt: LATER + Math.floor(this.#fresh / 1000), ...(grantId && { grantId }) }
  }
}

async function measure(engine: Engine): Promise<void> {
  const subjects: Subject[] = []
  const locations: string[] = []
  for (const size of SIZES) {
    const start = performance.now()
    const location = await engine.create()
    const database = await engine.console(location)
    await populate(database, size, engine.isPostgres)
    await database.close()
    const bytes = await engine.size(location)
    console.error(
      `${engine.name}: ${size} rows in each table, ${Math.round(bytes / 2 ** 20)} MiB, ${Math.round((performance.now() - start) / 1000)} s`
    )
    locations.push(location)
    subjects.push(new Subject(await openStore(location), size))
  }
  for (const location of locations) await engine.warm(location)
  console.log(`\n${engine.name}, ${machine()}: µs, and × the cost with ${SIZES[0]} rows`)
  for (const isHot of [true, false]) {
    for (const subject of subjects) subject.isHot = isHot
    print(isHot ? 'the newest 10⁴ rows' : 'any other row', await rounds(subjects))
  }
  for (const { store } of subjects) await store.close()
}

/** Microseconds of each operation at each size: the median of all rounds but the first, which warms up. */
async function rounds(subjects: readonly Subject[]): Promise<ReadonlyMap<string, readonly number[]>> {
  const names = Object.keys(subjects[0]?.operations ?? {})
  const times = new Map(names.map((name) => [name, subjects.map((): number[] => [])]))
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, sizes] of times) {
      // Each size comes first as often as the others.
      for (let turn = 0; turn < subjects.length; turn++) {
        const index = (round + turn) % subjects.length
        const time = await subjects[index]?.measure(name)
        if (round > 0 && time !== undefined) sizes[index]?.push(time)
      }
    }
  }
  return new Map([...times].map(([name, sizes]) => [name, sizes.map((size) => quantile(size, 0.5))]))
}

function print(rows: string, medians: ReadonlyMap<string, readonly number[]>): void {
  console.log(`\n| ${rows} | ${SIZES.map((size) => size.toExponential(0)).join(' | ')} |\n|---|${SIZES.map(() => '---|').join('')}`)
  for (const [name, costs] of medians) {
    const cells = costs.map((cost) => `${cost.toFixed(0)} (${(cost / (costs[0] ?? cost)).toFixed(2)} ×)`)
    console.log(`| ${name} | ${cells.join(' | ')} |`)
  }
}

for (const open of engines()) {
  const engine = await open()
  try {
    await measure(engine)
  } finally {
    await engine.stop()
  }
}
