import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, kill } from '../support.ts'

/** A PgBouncer of the system in transaction mode, with fewer connections to the database than its clients have to it. */
export class PgBouncer {
  readonly #port: number
  readonly #stop: () => Promise<void>

  private constructor(port: number, stop: () => Promise<void>) {
    this.#port = port
    this.#stop = stop
  }

  /** Whether it hands named statements on. @throws Error if `pgbouncer` is not on the PATH */
  static knowsStatements(): boolean {
    const [, major = 0, minor = 0] = /PgBouncer (\d+)\.(\d+)/.exec(execFileSync('pgbouncer', ['--version'], { encoding: 'utf8' })) ?? []
    return Number(major) > 1 || Number(minor) >= 21
  }

  /** @param url of the PostgreSQL server */
  static async start(url: string): Promise<PgBouncer> {
    const [{ hostname, port: target }, port] = [new URL(url), await freePort()]
    const folder = mkdtempSync(join(tmpdir(), 'grantor-pgbouncer-'))
    chmodSync(folder, 0o755)
    writeFileSync(join(folder, 'users'), '"grantor" ""\n')
    const settings = [
      '[databases]',
      `* = host=${hostname} port=${target}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = trust',
      'auth_file = users',
      'pool_mode = transaction',
      'default_pool_size = 3',
      ...(PgBouncer.knowsStatements() ? ['max_prepared_statements = 100'] : [])
    ]
    writeFileSync(join(folder, 'pgbouncer.ini'), settings.join('\n'))
    const identity = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
    const child = spawn('pgbouncer', ['pgbouncer.ini'], { cwd: folder, ...identity, stdio: ['ignore', 'ignore', 'pipe'] })
    let log = ''
    const ended = once(child, 'exit').then(() => Promise.reject(new Error(log)))
    ended.catch(() => {})
    while (!log.includes('process up')) {
      const [chunk] = (await Promise.race([once(child.stderr, 'data'), ended])) as [Buffer]
      log += chunk
    }
    return new PgBouncer(port, () => kill(child))
  }

  /** The same database, through the pooler. */
  locationOf(url: string): string {
    const through = new URL(url)
    through.port = String(this.#port)
    return through.href
  }

  stop(): Promise<void> {
    return this.#stop()
  }
}
