import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { migrateSchema } from '@grantor/sql'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { PostgresServer, query } from '../../sql/test/postgres.ts'
import { grantor, type Program, startGrantor } from './process.ts'
import { freePort, PASSWORD, temporaryFolder } from './support.ts'

const running: Program[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((command) => command.signal('SIGKILL')))
})

function start(...args: string[]): Program {
  const command = startGrantor(args)
  running.push(command)
  return command
}

async function configFile(settings: Record<string, unknown> = {}) {
  const folder = temporaryFolder()
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const file = join(folder, 'grantor.json')
  writeFileSync(file, JSON.stringify({ issuer, host: 'localhost', port, ...settings }))
  return { folder, file, issuer }
}

const logLines = (output: string) =>
  output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))

describe('grantor dev', () => {
  test('prints the address, the secrets once, and a command that gets the first token', async () => {
    const folder = temporaryFolder()
    const [data, keys] = [join(folder, 'data'), join(folder, 'secrets')]
    const port = String(await freePort())
    const first = start('dev', '--port', port, '--data', data, '--secrets', keys)
    const output = await first.says('grant_type=client_credentials -d scope=read')
    const [, url = '', credentials = '', body = ''] = /curl (\S+) -u (\S+) -d (.*)/.exec(output) ?? []
    const response = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(credentials)}` },
      body: new URLSearchParams(body.replace(' -d ', '&'))
    })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ token_type: 'Bearer', scope: 'read' })
    expect(output).toContain(`http://localhost:${port}/.well-known/openid-configuration`)
    const secrets = [/Password\s+(\S+)/, /Client secret\s+(\S+)/].map((pattern) => pattern.exec(output)?.[1] ?? '')
    expect(secrets.map((secret) => secret.length)).toEqual([16, 43])
    expect(await first.signal('SIGTERM')).toBe(0)

    const second = start('dev', '--port', port, '--data', data, '--secrets', keys)
    const again = await second.says('The first token')
    for (const secret of secrets) expect(again).not.toContain(secret)
    expect([data, keys].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o700])
    expect([join(data, 'grantor.db'), join(keys, 'grantor')].map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600])
    expect(readdirSync(data).filter((name) => !name.startsWith('grantor.db'))).toEqual([])
  })

  test('says that the port is taken and ends', async () => {
    const port = String(await freePort())
    await start('dev', '--port', port, '--data', temporaryFolder(), '--secrets', temporaryFolder()).says('The first token')
    await expect(grantor(['dev', '--port', port, '--data', temporaryFolder(), '--secrets', temporaryFolder()])).rejects.toThrow(
      /exit code 1.*EADDRINUSE/s
    )
  })
})

describe('grantor serve', () => {
  test('logs one line of JSON for each request, with neither query nor body', async () => {
    const { file, issuer } = await configFile()
    const server = start('serve', '--config', file)
    await server.says('listening')
    await fetch(`${issuer}/authorize?state=canary-query`)
    await fetch(`${issuer}/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'password', password: 'canary-body' }) })
    await server.says('/token')
    await server.signal('SIGTERM')
    const requests = logLines(server.output).filter(({ msg }) => msg === 'request')
    expect(requests).toMatchObject([
      { method: 'GET', path: '/authorize', status: 400, requestId: expect.any(String), ms: expect.any(Number), ip: expect.any(String) },
      { method: 'POST', path: '/token', status: 401 }
    ])
    expect(server.output).not.toContain('canary')
  })

  test('SIGTERM: what was accepted is answered, then the process ends with 0', async () => {
    const { file, issuer } = await configFile()
    await grantor(['user', 'add', '--config', file, 'alice'], `${PASSWORD}\n`)
    const server = start('serve', '--config', file)
    await server.says('listening')
    const requests = Array.from({ length: 20 }, () => fetch(`${issuer}/jwks`).then(({ status }) => status))
    await Promise.race(requests)
    expect(await server.signal('SIGTERM')).toBe(0)
    const statuses = await Promise.allSettled(requests)
    const answered = statuses.filter(({ status }) => status === 'fulfilled')
    expect(answered.length).toBeGreaterThan(0)
    expect(answered.every((outcome) => outcome.status === 'fulfilled' && outcome.value === 200)).toBe(true)
    expect(existsSync(join(file, '..', 'data', 'grantor.db-wal'))).toBe(false)
  })

  test.each([
    ['an unknown key', { acessTokenLifetime: 60 }, /acessTokenLifetime.*did you mean accessTokenLifetime/],
    ['a wrong type', { port: 'eighty' }, /port/],
    ['a bad lifetime', { accessTokenLifetime: -1 }, /accessTokenLifetime/],
    ['an http issuer that is not loopback', { issuer: 'http://id.example.com' }, /issuer.*https/s],
    ['no issuer', { issuer: undefined }, /issuer/],
    ['an outbound option that does not exist', { outbound: { alow: [] } }, /outbound.*alow|alow.*outbound/s],
    ['a host that is a pattern', { outbound: { allow: ['*.internal'] } }, /outbound.*\*\.internal/],
    ['a file of certificates that is not there', { outbound: { caFile: 'authorities.pem' } }, /outbound: cannot read .*authorities\.pem/]
  ])('refuses %s and names it', async (_, settings, message) => {
    const { file } = await configFile(settings)
    await expect(grantor(['serve', '--config', file])).rejects.toThrow(message)
  })

  test('refuses a file that is not there, and one that is not JSON', async () => {
    await expect(grantor(['serve', '--config', '/nowhere.json'])).rejects.toThrow(/cannot read \/nowhere.json/)
    const { file } = await configFile()
    writeFileSync(file, '{ issuer: 1 }')
    await expect(grantor(['serve', '--config', file])).rejects.toThrow(/is not JSON/)
  })

  test('ST-04 a missing or wrong secret stops it; no new keys are made in silence', async () => {
    const { folder, file } = await configFile()
    await grantor(['user', 'add', '--config', file, 'alice'], `${PASSWORD}\n`)
    const server = start('serve', '--config', file)
    await server.says('listening')
    await server.signal('SIGTERM')
    const secret = join(folder, 'secrets', 'grantor')
    const right = readFileSync(secret)
    rmSync(secret)
    await expect(grantor(['serve', '--config', file])).rejects.toThrow(/grantor is missing.*put the file back/)
    writeFileSync(secret, 'another secret of thirty-two characters\n', { mode: 0o600 })
    await expect(grantor(['serve', '--config', file])).rejects.toThrow(/secret/)
    writeFileSync(secret, right, { mode: 0o600 })
    const again = start('serve', '--config', file)
    await again.says('listening')
  })

  test('ST-09 a secret that others may read stops it', async () => {
    const { folder, file } = await configFile()
    await grantor(['user', 'add', '--config', file, 'alice'], `${PASSWORD}\n`)
    chmodSync(join(folder, 'secrets', 'grantor'), 0o644)
    await expect(grantor(['serve', '--config', file])).rejects.toThrow(/others may read.*chmod 600/)
  })

  test('two that start at the same moment on an empty folder share one secret and one key', async () => {
    const { folder, file } = await configFile()
    const other = join(folder, 'other.json')
    const { port: _, ...config } = JSON.parse(readFileSync(file, 'utf8'))
    const port = await freePort()
    writeFileSync(other, JSON.stringify({ ...config, port }))
    await Promise.all([start('serve', '--config', file).says('listening'), start('serve', '--config', other).says('listening')])
    const secrets = readFileSync(join(folder, 'secrets', 'grantor'), 'utf8')
      .trim()
      .split('\n')
    expect(secrets).toHaveLength(1)
  })
})

describe('grantor client and grantor user', () => {
  test('a client that cannot work is refused with the reason, and a person is created once', async () => {
    const { file } = await configFile()
    await expect(grantor(['client', '--config', file, '{"grant_types":["pasword"]}'])).rejects.toThrow(/pasword is not served here/)
    await expect(grantor(['client', '--config', file, '{'])).rejects.toThrow(/exit code 1: grantor: /)
    await grantor(['user', 'add', '--config', file, 'alice'], 'a password\n')
    await expect(grantor(['user', 'add', '--config', file, 'Alice'], 'a password\n')).rejects.toThrow(/there is a user Alice already/)
  })

  test('a person is shown, updated, given another password, disabled, enabled and deleted, while the server runs', async () => {
    const { file } = await configFile()
    const server = start('serve', '--config', file)
    await server.says('listening')
    const user = async (command: string, args: readonly string[] = [], input = '') =>
      grantor(['user', command, '--config', file, ...args, 'ann'], input)
    const added = JSON.parse(await user('add', ['--claims', '{"name":"Ann","email":"ann@example.com"}'], 'a password'))
    expect(added).toEqual({
      subject: expect.stringMatching(/^[0-9a-f-]{36}$/),
      login: 'ann',
      disabled: false,
      claims: { name: 'Ann', email: 'ann@example.com', updated_at: expect.any(Number) }
    })
    const { claims } = JSON.parse(await user('update', ['--claims', '{"name":null,"name#ja":"アン"}']))
    expect(claims).toEqual({ 'name#ja': 'アン', email: 'ann@example.com', updated_at: expect.any(Number) })
    await user('password', [], 'another password')
    await user('disable')
    expect(JSON.parse(await user('show'))).toMatchObject({ subject: added.subject, disabled: true })
    await grantor(['user', 'add', '--config', file, 'bob'], 'a password')
    const listed = logLines(await grantor(['user', 'list', '--config', file]))
    expect(listed.map(({ login, disabled }) => [login, disabled]).sort()).toEqual([
      ['ann', true],
      ['bob', false]
    ])
    await user('enable')
    await user('delete')
    await expect(user('show')).rejects.toThrow(/there is no user ann/)
    await expect(user('add', ['--claims', '{"email":"nothing"}'], 'a password')).rejects.toThrow(/claims: .*email/s)
    await expect(user('add', [], 'short')).rejects.toThrow(/at least 8 characters/)
  })
})

describe('grantor migrate, backup, store move and workers', () => {
  let postgres: PostgresServer
  beforeAll(async () => {
    postgres = await PostgresServer.start()
  })
  afterAll(() => postgres.stop())

  /** A configuration with a client, a person and a token that was issued. */
  async function filled(settings: Record<string, unknown> = {}) {
    const { folder, file, issuer } = await configFile(settings)
    await grantor(['user', 'add', '--config', file, 'alice'], `${PASSWORD}\n`)
    const client = JSON.parse(await grantor(['client', '--config', file, '{"grant_types":["client_credentials"],"scope":"read"}']))
    const post = async (path: string, form: Record<string, string>) => {
      const headers = { authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` }
      return (await fetch(issuer + path, { method: 'POST', headers, body: new URLSearchParams(form) })).json()
    }
    const issue = async () => (await post('/token', { grant_type: 'client_credentials' })).access_token as string
    const isActive = async (token: string) => (await post('/introspect', { token })).active as boolean
    return { folder, file, issue, isActive }
  }

  async function serve(file: string, ...options: string[]): Promise<Program> {
    const server = start('serve', '--config', file, ...options)
    await server.says('listening')
    return server
  }

  const move = (from: string, to: string) => grantor(['store', 'move', '--from', from, '--to', to])

  function reconfigure(file: string, changes: Record<string, unknown>): void {
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...changes }))
  }

  test('a backup that was taken while the server ran opens with the secret file and knows the tokens', async () => {
    const { folder, file, issue, isActive } = await filled()
    const server = await serve(file)
    const token = await issue()
    await grantor(['backup', '--config', file, '--to', join(folder, 'copy.db')])
    await server.signal('SIGKILL')
    reconfigure(file, { database: 'copy.db' })
    await serve(file)
    expect(await isActive(token)).toBe(true)
  })

  test('everything moves from SQLite to PostgreSQL and back, and a second run changes nothing', async () => {
    const { folder, file, issue, isActive } = await filled()
    const server = await serve(file)
    const token = await issue()
    await server.signal('SIGTERM')
    const [sqlite, url] = [`sqlite:${join(folder, 'data/grantor.db')}`, await postgres.createDatabase()]
    const report = await move(sqlite, url)
    expect(report).toMatch(/grantor_clients: 1 rows, sha256 [0-9a-f]{64}\n/)
    expect(await move(sqlite, url)).toBe(report)
    reconfigure(file, { database: url })
    const second = await serve(file)
    expect(await isActive(token)).toBe(true)
    await second.signal('SIGTERM')
    expect(await move(url, `sqlite:${join(folder, 'again.db')}`)).toContain('grantor_artifacts')
    await expect(move(url, `sqlite:${join(folder, 'other/none.db')}`)).rejects.toThrow(/cannot use/)
  })

  test('migrate says which schema there is, makes it, and takes it down one step or more only with --yes', async () => {
    const { file } = await configFile({ database: await postgres.createDatabase() })
    const migrate = (...args: string[]) => grantor(['migrate', '--config', file, ...args])
    expect(await migrate('status')).toBe('schema 0; this version wants 2\n')
    expect(await Promise.all([migrate(), migrate('up')])).toEqual(Array(2).fill('schema 2; this version wants 2\n'))
    await expect(migrate('down')).rejects.toThrow(/down to 1 deletes data; say --yes/)
    expect(await migrate('down', '--yes')).toBe('schema 1; this version wants 2\n')
    await expect(migrate('down', '--to', 'one', '--yes')).rejects.toThrow(/--to takes the number/)
    await expect(migrate('down', '--to', '0')).rejects.toThrow(/deletes everything; say --yes/)
    expect(await migrate('down', '--to', '0', '--yes')).toBe('schema 0; this version wants 2\n')
    await expect(migrate('sideways')).rejects.toThrow(/up, down, status/)
  })

  test('migrate makes the folder and the file of SQLite, and its status makes nothing', async () => {
    const { folder, file } = await configFile({ database: 'new/folder/grantor.db', secretFile: 'secret' })
    expect(await grantor(['migrate', '--config', file, 'status'])).toBe('schema 0; this version wants 2\n')
    expect(existsSync(join(folder, 'new'))).toBe(false)
    await expect(grantor(['backup', '--config', file, '--to', join(folder, 'copy.db')])).rejects.toThrow(/grantor: there is no database at/)
    expect(await grantor(['migrate', '--config', file])).toBe('schema 2; this version wants 2\n')
    // Nothing was made with a secret yet.
    await serve(file)
  })

  test('a backup goes neither onto the database nor to where there is no folder, and nobody else may read it', async () => {
    const { folder, file } = await filled()
    const backup = (to: string) => grantor(['backup', '--config', file, '--to', to])
    await expect(backup(join(folder, 'data/../data/grantor.db'))).rejects.toThrow(/grantor: the copy would be the database itself/)
    await expect(backup(join(folder, 'none/copy.db'))).rejects.toThrow(/grantor: cannot write the copy .*none\/copy\.db/)
    await backup(join(folder, 'copy.db'))
    expect(statSync(join(folder, 'copy.db')).mode & 0o777).toBe(0o600)
  })

  test('store move wants a source, of this schema, that is not the target, and a target with nothing else in it', async () => {
    const { folder } = await filled()
    const [sqlite, url] = [join(folder, 'data/grantor.db'), await postgres.createDatabase()]
    await expect(move(sqlite, `sqlite:${folder}/data/../data/grantor.db`)).rejects.toThrow(/the same database/)
    await expect(move(url, url.replace('grantor@', 'grantor:secret@'))).rejects.toThrow(/the same database/)
    await expect(move(join(folder, 'none.db'), url)).rejects.toThrow(/there is no store at .*none\.db/)
    expect(existsSync(join(folder, 'none.db'))).toBe(false)
    const other = await filled()
    const older = join(other.folder, 'data/grantor.db')
    await grantor(['migrate', '--config', other.file, 'down', '--yes'])
    await expect(move(older, url)).rejects.toThrow(/the source has schema 1, this version moves 2/)
    await grantor(['migrate', '--config', other.file])
    await move(sqlite, url)
    await expect(move(older, url)).rejects.toThrow(/differs.*begin with an empty target/)
    expect(await move(sqlite, url)).toContain('grantor_clients: 1 rows')
  })

  test('store move that is killed in the middle goes on the next time, also if the source has changed since', async () => {
    const { folder } = await filled()
    const [sqlite, url] = [join(folder, 'data/grantor.db'), await postgres.createDatabase()]
    const change = (sql: string) => {
      const database = new DatabaseSync(sqlite, { timeout: 5000 })
      database.exec(sql)
      database.close()
    }
    change(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25000)
      INSERT INTO grantor_artifacts (realm, kind, id, value, expires_at) SELECT '', 'k', printf('%06d', i), '{}', 9000000000 FROM n`)
    // It comes no further than to a row that somebody else inserts and does not commit.
    await migrateSchema(url)
    const other = new pg.Client({ connectionString: url })
    await other.connect()
    await other.query("BEGIN; INSERT INTO grantor_artifacts (realm, kind, id, value, expires_at) VALUES ('', 'k', '012000', '', 1)")
    const first = start('store', 'move', '--from', sqlite, '--to', url)
    await first.says('grantor_artifacts: 10000 rows so far')
    await first.signal('SIGKILL')
    await other.end()
    change(
      "DELETE FROM grantor_artifacts WHERE id = '000100'; UPDATE grantor_artifacts SET value = '[1]' WHERE id = '000200'; UPDATE grantor_clients SET record = json_set(record, '$.scope', 'write')"
    )
    const stranger = await filled()
    await expect(move(join(stranger.folder, 'data/grantor.db'), url)).rejects.toThrow(/half a copy of .*begin with an empty one/)
    expect(await move(sqlite, url)).toMatch(/grantor_artifacts: 250\d\d rows, sha256/)
    const rows = await query(url, "SELECT id, value FROM grantor_artifacts WHERE id IN ('000100', '000200')")
    expect(rows).toEqual([{ id: '000200', value: '[1]' }])
  })

  test('ST-04 a second machine without the secret makes no new one when the database has data', async () => {
    const database = await postgres.createDatabase()
    const { file } = await filled({ database })
    const second = await configFile({ database })
    await expect(grantor(['serve', '--config', second.file])).rejects.toThrow(
      /secrets\/grantor is missing, but the database was made with it/
    )
    await expect(grantor(['user', 'add', '--config', second.file, 'bob'], PASSWORD)).rejects.toThrow(/secrets\/grantor is missing/)
    expect(existsSync(join(second.folder, 'secrets/grantor'))).toBe(false)
    writeFileSync(join(second.folder, 'secret'), 'another secret of thirty-two characters', { mode: 0o600 })
    reconfigure(second.file, { secretFile: 'secret' })
    await expect(grantor(['user', 'add', '--config', second.file, 'bob'], PASSWORD)).rejects.toThrow(/secret/)
    await expect(grantor(['user', 'show', '--config', file, 'bob'])).rejects.toThrow(/there is no user bob/)
  })

  test('workers that cannot start end the primary with their message, and are not tried for ever', async () => {
    const database = await postgres.createDatabase()
    const { file } = await filled({ database })
    await query(database, 'UPDATE grantor_schema SET version = 97099')
    await expect(grantor(['serve', '--config', file, '--workers', '2'])).rejects.toThrow(/exit code 1: .*schema 99 for versions from 98/s)
  })

  test('what failed in the database is logged with its cause', async () => {
    const database = await postgres.createDatabase()
    const { file, issuer } = await configFile({ database })
    const server = await serve(file)
    await query(database, 'ALTER TABLE grantor_clients RENAME TO elsewhere')
    const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'c', client_secret: 's' })
    expect((await fetch(`${issuer}/token`, { method: 'POST', body })).status).toBe(503)
    await server.says('request.failed')
    const [line] = logLines(server.output).filter(({ event }) => event === 'request.failed')
    expect(line).toMatchObject({ cause: { code: '42P01', message: expect.stringContaining('grantor_clients'), stack: expect.any(String) } })
  })

  test('SIGTERM ends a server whose database hangs', { timeout: 30_000 }, async () => {
    const own = await PostgresServer.start()
    const { file } = await configFile({ database: await own.createDatabase() })
    const server = await serve(file)
    own.pause()
    expect(await server.signal('SIGTERM')).toBe(0)
    own.unpause()
    await own.stop()
  })

  test('whoever stops reading ends the command without a stack', async () => {
    const { file } = await configFile()
    for (const login of ['ann', 'bob', 'cec']) await grantor(['user', 'add', '--config', file, login], PASSWORD)
    const command = start('user', 'list', '--config', file)
    command.stopReading()
    expect(await command.ends()).toBe(1)
    expect(command.output).toBe('')
  })

  test('two workers share the port; one that is killed is replaced; SIGTERM ends all', async () => {
    const { file, issue, isActive } = await filled({ database: await postgres.createDatabase() })
    const server = await serve(file, '--workers', '2')
    await server.says('"msg":"listening"', 2)
    const [first = 0] = logLines(server.output).flatMap(({ msg, pid }) => (msg === 'listening' ? [pid as number] : []))
    const token = await issue()
    process.kill(first, 'SIGKILL')
    await server.says('"msg":"listening"', 3)
    expect(server.output).toContain(`worker ${first} ended with SIGKILL`)
    expect(await isActive(token)).toBe(true)
    expect(await server.signal('SIGTERM')).toBe(0)
  })
})
