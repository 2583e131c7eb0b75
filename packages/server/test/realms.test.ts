import { openStore } from '@grantor/sql'
import { AuthorizationServer, type HttpRequest, type Store } from 'grantor'
import { calculatePKCECodeChallenge } from 'oauth4webapi'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PostgresServer } from '../../sql/test/postgres.ts'
import { temporaryFile } from '../../sql/test/support.ts'
import { Sessions } from '../src/sessions.ts'
import { Users } from '../src/users.ts'
import { PASSWORD } from './support.ts'

const SECRET = 'one secret for both of at least 32 characters'
const REDIRECT_URI = 'https://client.example.com/cb'
const VERIFIER = 'a-verifier-of-forty-three-characters-or-more'
const CHALLENGE = await calculatePKCECodeChallenge(VERIFIER)

let postgres: PostgresServer
beforeAll(async () => {
  postgres = await PostgresServer.start()
})
afterAll(() => postgres.stop())

const request = (cookie?: string): HttpRequest => ({
  method: 'GET',
  url: 'https://id.example.com/',
  headers: { get: (name) => (name === 'cookie' ? (cookie ?? null) : null) },
  body: async () => ''
})

/** An issuer in a realm of the store, with a client of the same name and secret as in every other, and a person of the same login. */
async function openIssuer(store: Store, realm: string) {
  const issuer = `https://${realm}.example.com`
  const server: AuthorizationServer = new AuthorizationServer({
    issuer,
    secret: SECRET,
    store: store.realm(realm),
    interactions: {
      session: async () => ({ id: 's1', subject: 'alice', authTime: server.now() }),
      prompt: async ({ prompt }) => ({ status: 200, headers: {}, body: prompt })
    }
  })
  const users = new Users(server)
  const sessions = new Sessions(server, users)
  const client = {
    client_id: 'app',
    client_secret: 'a-secret-of-thirty-two-characters-or-more',
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token'],
    scope: 'read',
    token_endpoint_auth_method: 'client_secret_post',
    require_consent: false
  }
  await server.clients.create(client)
  const post = async (path: string, form: Record<string, string>) => {
    const body = new URLSearchParams({ client_id: 'app', client_secret: client.client_secret, ...form })
    const response = await server.handle(new Request(issuer + path, { method: 'POST', body }))
    return { status: response.status, ...JSON.parse(await response.text()) }
  }
  return {
    server,
    users,
    sessions,
    code: async () => {
      const query = new URLSearchParams({ client_id: 'app', response_type: 'code', redirect_uri: REDIRECT_URI, code_challenge: CHALLENGE })
      const response = await server.handle(new Request(`${issuer}/authorize?${query}&code_challenge_method=S256`))
      return new URL(response.headers.get('location') ?? '').searchParams.get('code') ?? ''
    },
    redeem: (code: string) =>
      post('/token', { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER }),
    refresh: (refresh_token: string) => post('/token', { grant_type: 'refresh_token', refresh_token }),
    introspect: (token: string) => post('/introspect', { token }),
    keys: async () => (await server.handle(new Request(`${issuer}/jwks`))).text()
  }
}

test.each([
  ['SQLite', async () => temporaryFile()],
  ['PostgreSQL', () => postgres.createDatabase()]
])('nothing of one realm is valid in another on %s: codes, tokens, clients, keys, people, sessions', async (_, locate) => {
  const store = await openStore(await locate())
  const [here, there] = [await openIssuer(store, 'acme'), await openIssuer(store, 'umbrella')]
  expect(await there.redeem(await here.code())).toMatchObject({ status: 400, error: 'invalid_grant' })
  const tokens = await here.redeem(await here.code())
  expect(tokens).toMatchObject({ status: 200 })
  expect(await there.refresh(tokens.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' })
  for (const token of [tokens.access_token, tokens.refresh_token]) {
    expect(await there.introspect(token)).toEqual({ status: 200, active: false })
    expect(await here.introspect(token)).toMatchObject({ active: true })
  }
  expect(await here.keys()).not.toBe(await there.keys())

  await here.server.clients.create({ client_id: 'only-here', grant_types: ['client_credentials'], scope: 'read' })
  expect(await there.server.clients.find('only-here')).toBeUndefined()
  await here.server.clients.update('app', { disabled: true })
  expect(await there.refresh((await there.redeem(await there.code())).refresh_token)).toMatchObject({ status: 200 })

  const alice = await here.users.create({ login: 'alice', password: PASSWORD })
  expect(await there.users.authenticate('alice', PASSWORD)).toBeUndefined()
  expect(await there.users.find(alice?.subject ?? '')).toBeUndefined()
  const [cookie = ''] = (alice && (await here.sessions.start(request(), alice)))?.cookie.split(';') ?? []
  expect(await here.sessions.find(request(cookie))).toMatchObject({ subject: alice?.subject })
  expect(await there.sessions.find(request(cookie))).toBeUndefined()
  await store.close()
})
