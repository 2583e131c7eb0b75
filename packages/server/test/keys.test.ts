import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeProtectedHeader, type JWK } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PostgresServer } from '../../sql/test/postgres.ts'
import { grantor, type Program, startGrantor } from './process.ts'
import { freePort, temporaryFolder } from './support.ts'

const running: Program[] = []
let postgres: PostgresServer
beforeAll(async () => {
  postgres = await PostgresServer.start()
})
afterAll(async () => {
  await Promise.all(running.map((server) => server.signal('SIGKILL')))
  await postgres.stop()
})

/** A configuration, and an operator's commands. Of its ES256 and RS256 keys the former are looked at. */
async function ready(settings: Record<string, unknown> = {}) {
  const [folder, port] = [temporaryFolder(), await freePort()]
  const issuer = `http://localhost:${port}`
  const file = join(folder, 'grantor.json')
  writeFileSync(file, JSON.stringify({ issuer, host: 'localhost', port, accessTokenFormat: 'jwt', ...settings }))
  const keys = (command: string, ...options: string[]) => grantor(['keys', command, '--config', file, ...options])
  const list = async (command: string, ...options: string[]) => {
    const lines = (await keys(command, ...options)).trim().split('\n')
    return lines.map((line) => JSON.parse(line)).filter(({ alg }) => alg === 'ES256')
  }
  return { issuer, file, keys, list, secretFile: join(folder, 'secrets/grantor') }
}

/** A server that runs, as its client sees it. */
async function start({ issuer, file }: { issuer: string; file: string }) {
  const client = JSON.parse(await grantor(['client', '--config', file, '{"grant_types":["client_credentials"],"scope":"read"}']))
  const server = startGrantor(['serve', '--config', file])
  running.push(server)
  await server.says('listening')
  const headers = { authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` }
  const post = async (path: string, form: Record<string, string>) =>
    (await fetch(issuer + path, { method: 'POST', headers, body: new URLSearchParams(form) })).json()
  const published = async (): Promise<string[]> => {
    const { keys } = await (await fetch(`${issuer}/jwks`)).json()
    return keys.filter(({ alg }: JWK) => alg === 'ES256').map(({ kid }: JWK) => kid)
  }
  return {
    published,
    token: async (): Promise<string> => (await post('/token', { grant_type: 'client_credentials' })).access_token,
    isActive: async (token: string): Promise<boolean> => (await post('/introspect', { token })).active
  }
}

// Nodes look every five seconds which keys there are. Both databases wait at once, and cost the processor nothing.
test.concurrent.for(['SQLite', 'PostgreSQL'])(
  'on %s, beside a server that runs: a next key is published and signs later; after an emergency the old ones are refused',
  { timeout: 60_000 },
  async (name, { expect }) => {
    const operator = await ready(name === 'PostgreSQL' ? { database: await postgres.createDatabase() } : {})
    const { token, isActive, published } = await start(operator)
    const old = await token()

    const [current, next] = await operator.list('rotate')
    expect(current).toMatchObject({ kid: decodeProtectedHeader(old).kid, alg: 'ES256', use: 'sig', state: 'current' })
    expect(next.state).toBe('next')
    const lead = Date.parse(next.activeFrom) - Date.now()
    expect(lead).toBeGreaterThan(86_000_000)
    expect(lead).toBeLessThanOrEqual(86_400_000)
    await expect.poll(published, { timeout: 10_000 }).toEqual([current.kid, next.kid])
    expect(decodeProtectedHeader(await token()).kid).toBe(current.kid)

    const [replacement, ...others] = await operator.list('rotate', '--now', '--yes')
    expect([replacement.state, others]).toEqual(['current', []])
    await expect.poll(() => isActive(old), { timeout: 10_000 }).toBe(false)
    expect(await published()).toEqual([replacement.kid])
    const fresh = await token()
    expect(decodeProtectedHeader(fresh).kid).toBe(replacement.kid)
    expect(await isActive(fresh)).toBe(true)
  }
)

test('grantor keys refuses what cannot be, and what breaks something unless one says --yes', async () => {
  const { keys, list } = await ready({ signingKeyLead: 0 })
  const [retired, current] = await list('rotate')
  expect([retired.state, current.state]).toEqual(['retired', 'current'])
  await expect(keys('rotate', '--now')).rejects.toThrow(/exit code 1.*every JWT access token and ID token.*is refused.*say --yes/s)
  await expect(keys('rotate', '--use', 'enc', '--now')).rejects.toThrow(/clients encrypted to them is refused.*say --yes/s)
  await expect(keys('rotate', '--use', 'enc')).rejects.toThrow(/exit code 1: grantor: there are no keys in the store to rotate/)
  await expect(keys('retire', '--kid', current.kid)).rejects.toThrow(/exit code 1: grantor: .*is in use; rotate first/)
  for (const kid of ['-unknown', '-Version', '-help'])
    await expect(keys('retire', '--kid', kid)).rejects.toThrow(`exit code 1: grantor: there is no key ${kid}`)
  await expect(keys('retire', '--kid', retired.kid)).rejects.toThrow(/is refused from now on; say --yes/)
  expect(await list('retire', '--kid', retired.kid, '--yes')).toEqual([current])
})

test('grantor keys rewrap: with two secrets the keys move to the first, and the second may go', async () => {
  const { keys, list, secretFile } = await ready({ extensions: ['request_objects'], requestObjects: { encrypted: true } })
  const before = await list('rotate')
  const old = readFileSync(secretFile, 'utf8')
  const fresh = `${'n'.repeat(43)}\n`
  writeFileSync(secretFile, fresh)
  await expect(keys('rewrap')).rejects.toThrow(/exit code 1.*cannot be opened with this secret/s)
  writeFileSync(secretFile, fresh + old)
  expect(await keys('rewrap')).toBe('keys encrypted anew: 6\n')
  writeFileSync(secretFile, fresh)
  expect((await list('list')).filter(({ use }) => use === 'sig')).toEqual(before)
  expect((await keys('rotate', '--use', 'enc')).match(/"use":"enc","state":"(current|next)"/g)).toHaveLength(4)
  writeFileSync(secretFile, old)
  await expect(keys('list')).rejects.toThrow(/cannot be opened with this secret/)
})
