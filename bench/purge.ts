// Token requests beside a purge: 1 million live and 1 million expired artifacts, windows without and with the server's own purge in turn until
// nothing expired is left. Then the size of the database: with as many new artifacts beside the live ones, and after all have expired and as
// many as at first were stored. ROWS=1e5 is a short form, DATABASE=sqlite or postgres one of the two.
import { setTimeout as wait } from 'node:timers/promises'
import { openStore } from '@grantor/sql'
import { AuthorizationServer, type HttpRequest } from 'grantor'
import { Purge } from '../packages/server/src/purge.ts'
import { type Console, type Engine, engines, machine, quantile } from './databases.ts'

const ROWS = Number(process.env.ROWS ?? 1e6)
const CONCURRENCY = 16
/** Milliseconds. */
const WINDOW = 4_000
const CHUNK = 1e5
/** Every second one, so that none has a page for itself: access tokens beside the refresh tokens that outlive them. */
const HALF = 'i % 2 = 0'
/** Seconds. */
const YEAR = 365 * 86_400

const now = () => Math.floor(Date.now() / 1000)

/** Artifacts number from … to - 1, which expire in the order in which they were made. `isExpired` is SQL over `i`. */
function fill(from: number, to: number, isPostgres: boolean, isExpired: string): string {
  const id = isPostgres ? `lpad(i::text, 8, '0') || md5(i::text)` : `printf('%08d%016x%016x', i, i * 2654435761, i * 2246822519)`
  const rows = isPostgres
    ? `FROM generate_series(${from}::bigint, ${to - 1}) AS numbers(i)`
    : `FROM (WITH RECURSIVE numbers(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM numbers WHERE i < ${to - 1}) SELECT i FROM numbers)`
  const value = `'{"client_id":"client-' || i || '","scope":"read write","aud":["https://api.example.com"],"iat":${now()}}'`
  return `INSERT INTO grantor_artifacts (realm, kind, id, secret_hash, value, expires_at)
    SELECT '', 'access_token', ${id}, 'x23456789-123456789-123456789-123456789-123', ${value},
      ${now()} + CASE WHEN ${isExpired} THEN -86400 ELSE 86400 END + i * 80000 / ${3 * ROWS} ${rows}`
}

/** Workers that each ask for a token and introspect it, again and again. */
class Load {
  readonly #server: AuthorizationServer
  readonly #headers: Headers
  times: number[] = []

  constructor(server: AuthorizationServer, client: { client_id: string; client_secret?: string }) {
    this.#server = server
    this.#headers = new Headers({
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}`
    })
  }

  /** Milliseconds that each request took. */
  async run(milliseconds: number): Promise<readonly number[]> {
    const times: number[] = []
    const end = performance.now() + milliseconds
    const worker = async () => {
      while (performance.now() < end) {
        const { access_token } = JSON.parse(await this.#answer(times, '/token', 'grant_type=client_credentials'))
        await this.#answer(times, '/introspect', `token=${access_token}`)
      }
    }
    await Promise.all(Array.from({ length: CONCURRENCY }, worker))
    return times
  }

  async #answer(times: number[], url: string, form: string): Promise<string> {
    const start = performance.now()
    const request: HttpRequest = { method: 'POST', url, headers: this.#headers, body: async () => form }
    const response = await this.#server.respond(request)
    times.push(performance.now() - start)
    if (response?.status !== 200) throw new Error(`${url}: ${response?.status} ${response?.body}`)
    return response.body ?? ''
  }
}

async function measure(engine: Engine): Promise<void> {
  const location = await engine.create()
  const database = await engine.console(location)
  const add = async (start: number, end: number, isExpired: string) => {
    for (let from = start; from < end; from += CHUNK) await database.run(fill(from, from + CHUNK, engine.isPostgres, isExpired))
  }
  await add(0, 2 * ROWS, HALF)
  if (engine.isPostgres) await database.run('VACUUM (ANALYZE)')
  const atFirst = await sizeOf(engine, location)

  const store = await openStore(location)
  const server = new AuthorizationServer({ issuer: 'https://id.example.com', secret: 'x'.repeat(32), store })
  const client = await server.clients.create({ grant_types: ['client_credentials'], scope: 'read' })
  const load = new Load(server, client)
  const purge = new Purge(store, now)
  await load.run(WINDOW / 2)

  let without: readonly number[] = []
  let during: readonly number[] = []
  const total = { deleted: 0, batches: 0, longest: 0, seconds: 0 }
  for (let left = true; left; ) {
    without = [...without, ...(await load.run(WINDOW))]
    let isOver = false
    const start = performance.now()
    const purging = purge.run(() => isOver).then((report) => ({ report, seconds: (performance.now() - start) / 1000 }))
    const times = await load.run(WINDOW)
    isOver = true
    const { report, seconds } = await purging
    if (!report) throw new Error('somebody else purges')
    // A window in which the purge came to its end is not all purge.
    left = report.lag > 0
    if (left || during.length === 0) during = [...during, ...times]
    total.deleted += report.deleted
    total.batches += report.batches
    total.longest = Math.max(total.longest, report.longest)
    total.seconds += seconds
  }
  const afterPurge = await sizeOf(engine, location)
  if (engine.isPostgres) await autovacuum(database)
  await add(2 * ROWS, 3 * ROWS, 'false')
  const withNew = await sizeOf(engine, location)
  while ((await store.purge(now() + YEAR, 1_000)) > 0);
  if (engine.isPostgres) await autovacuum(database)
  await add(0, 2 * ROWS, HALF)
  const again = await sizeOf(engine, location)

  const [base, beside] = [quantile(without, 0.99), quantile(during, 0.99)]
  console.log(`\n${engine.name}, ${machine()}, ${CONCURRENCY} requests at once`)
  for (const [name, times] of [
    ['without purge', without],
    ['beside purge', during]
  ] as const)
    console.log(`${name}: p50 ${quantile(times, 0.5).toFixed(2)} ms, p99 ${quantile(times, 0.99).toFixed(2)} ms, ${times.length} requests`)
  console.log(`p99 beside purge / without: ${(beside / base).toFixed(2)}`)
  console.log(
    `purged ${total.deleted} in ${total.batches} batches, ${Math.round(total.deleted / total.seconds)} rows/s, longest ${total.longest} ms`
  )
  console.log(`size: ${atFirst} at first, ${afterPurge} after the purge, ${withNew} with ${ROWS} new, ${again} with all of it anew`)
  await store.close()
  await database.close()
}

/** Waits until PostgreSQL has collected by itself what the purge left. */
async function autovacuum(database: Console): Promise<void> {
  const dead = async () => {
    const [row] = await database.run(`SELECT n_dead_tup AS dead FROM pg_stat_user_tables WHERE relname = 'grantor_artifacts'`)
    return Number(row?.dead)
  }
  while ((await dead()) > ROWS / 5) await wait(1_000)
}

async function sizeOf(engine: Engine, location: string): Promise<string> {
  return `${Math.round((await engine.size(location)) / 2 ** 20)} MiB`
}

for (const open of engines()) {
  const engine = await open()
  try {
    await measure(engine)
  } finally {
    await engine.stop()
  }
}
