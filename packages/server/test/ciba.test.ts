import { CIBA_GRANT_TYPE } from 'grantor'
import * as oidc from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GrantorServer } from '../src/index.ts'
import { Browser } from './browser.ts'
import { PASSWORD, startServer } from './support.ts'

let server: GrantorServer
let issuer: string

beforeAll(async () => {
  const resources = [{ identifier: 'https://api.example.com', name: 'Payments', scopes: ['pay'] }]
  const ciba = { interval: 1, lifetime: 300, userLimit: 0, limit: 0, hideUnknownUsers: true }
  const extensions = ['ciba', 'dpop', 'resource_indicators', 'rich_authorization_requests']
  const schema = { properties: { amount: { type: 'string' } }, required: ['amount'] }
  const richAuthorizationRequests = { types: { payment: { schema, title: 'Pay {amount}' } } }
  ;({ server, issuer } = await startServer({ extensions, resources, ciba, richAuthorizationRequests }))
  await server.users.create({ login: 'bob@example.com', password: PASSWORD })
})
afterAll(() => server.close())

async function connect(): Promise<oidc.Configuration> {
  const { client_id, client_secret } = await server.authorization.clients.create({
    client_name: 'Till 3',
    grant_types: [CIBA_GRANT_TYPE, 'refresh_token'],
    scope: 'openid pay offline_access constructor',
    backchannel_token_delivery_mode: 'poll'
  })
  const options = { execute: [oidc.allowInsecureRequests] }
  return oidc.discovery(new URL(issuer), client_id, undefined, oidc.ClientSecretBasic(client_secret), options)
}

async function ask(config: oidc.Configuration, params: Record<string, string> = {}) {
  return oidc.initiateBackchannelAuthentication(config, { scope: 'openid', login_hint: 'Alice', ...params })
}

const once = (config: oidc.Configuration, { auth_req_id }: { auth_req_id: string }) =>
  oidc.genericGrantRequest(config, CIBA_GRANT_TYPE, { auth_req_id })

/** At the page with what waits for the person. */
async function signIn(login = 'alice', browser = new Browser()): Promise<Browser> {
  await browser.open(`${issuer}/requests`)
  await browser.submit({ login, password: PASSWORD })
  return browser
}

/** The newest that waits: where its form goes, and the form's own field. */
function newest(html: string): { action: string; csrf: string } {
  const [, action = '', csrf = ''] =
    [...html.matchAll(/action="(\/requests\/[^"]+)"><input type="hidden" name="csrf" value="([^"]+)"/g)].at(-1) ?? []
  return { action, csrf }
}

async function decide(browser: Browser, decision: string): Promise<string> {
  const { action, csrf } = newest(await browser.open(`${issuer}/requests`))
  return browser.submit({ decision, csrf }, action)
}

test('openid-client asks for a person, who allows it on the page: tokens for the resource, bound to its key, with an ID token', async () => {
  const config = await connect()
  const asked = await ask(config, { scope: 'openid pay', binding_message: 'Till 3: 12.50', resource: 'https://api.example.com' })
  expect(asked).toMatchObject({ expires_in: 300, interval: 1 })
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair())
  const polled = oidc.pollBackchannelAuthenticationGrant(config, asked, undefined, { DPoP })
  const browser = await signIn()
  const shown = await browser.open(`${issuer}/requests`)
  for (const text of ['Till 3 asks for you', 'Till 3: 12.50', 'use <code>pay</code>', 'Payments <code>https://api.example.com</code>'])
    expect(shown).toContain(text)
  expect(await decide(browser, 'approve')).toContain('allowed')
  const tokens = await polled
  const { subject = '' } = (await server.users.findByLogin('alice')) ?? {}
  expect(tokens.claims()).toMatchObject({ iss: issuer, sub: subject, acr: 'urn:grantor:acr:password', at_hash: expect.any(String) })
  const found = await server.authorization.tokens.find(tokens.access_token)
  expect([found?.token.aud, Object.keys(found?.token.cnf ?? {})]).toEqual([['https://api.example.com'], ['jkt']])
  expect(await browser.open(`${issuer}/requests`)).toContain('Nobody asks anything of you.')
})

test('a scope is shown by its own name, whatever JavaScript has under it', async () => {
  const config = await connect()
  await ask(config, { scope: 'openid constructor' })
  const browser = await signIn()
  expect(await browser.open(`${issuer}/requests`)).toContain('use <code>constructor</code>')
  await decide(browser, 'deny')
})

test('RFC 9396 §6 what it asks for in detail is shown to the person, and in the token of whom they allowed it', async () => {
  const config = await connect()
  const details = [{ type: 'payment', amount: '12.50 <b>' }]
  const asked = await ask(config, { authorization_details: JSON.stringify(details) })
  const browser = await signIn()
  expect(await browser.open(`${issuer}/requests`)).toContain('Pay 12.50 &lt;b&gt;')
  expect(await decide(browser, 'approve')).toContain('allowed')
  const tokens = await oidc.pollBackchannelAuthenticationGrant(config, asked)
  expect(tokens.authorization_details).toEqual(details)
  await expect(ask(config, { authorization_details: '[{"type":"gift"}]' })).rejects.toMatchObject({
    error: 'invalid_authorization_details'
  })
})

test('a person who denies it: access_denied', async () => {
  const config = await connect()
  const asked = await ask(config)
  expect(await decide(await signIn(), 'deny')).toContain('denied')
  await expect(oidc.pollBackchannelAuthenticationGrant(config, asked)).rejects.toMatchObject({ error: 'access_denied' })
})

test('CI-01 hints are names of the people here; one of nobody, or of somebody who is disabled, looks like any other', async () => {
  const config = await connect()
  const { subject = '' } = (await server.users.findByLogin('bob@example.com')) ?? {}
  const count = async () => newest(await (await signIn('bob@example.com')).open(`${issuer}/requests`)).action !== ''
  await server.users.disable(subject)
  for (const login_hint of ['bob@example.com', 'nobody'])
    await expect(once(config, await ask(config, { login_hint }))).rejects.toMatchObject({ error: 'authorization_pending' })
  await server.users.enable(subject)
  expect(await count()).toBe(false)
  await ask(config, { login_hint: 'BOB@example.com' })
  expect(await count()).toBe(true)
  await expect(oidc.initiateBackchannelAuthentication(config, { scope: 'openid', login_hint_token: 'x' })).rejects.toMatchObject({
    error: 'unknown_user_id'
  })
})

test('a verified address leads to the person who has it, not to one who took it for a name', async () => {
  const config = await connect()
  const claims = { email: 'dora@example.com', email_verified: true }
  await server.users.create({ login: 'dora', password: PASSWORD, claims })
  await server.users.create({ login: 'dora@example.com', password: PASSWORD })
  await ask(config, { login_hint: 'Dora@example.com', binding_message: 'for Dora' })
  const pageOf = async (login: string) => (await signIn(login)).open(`${issuer}/requests`)
  expect([(await pageOf('dora')).includes('for Dora'), (await pageOf('dora@example.com')).includes('for Dora')]).toEqual([true, false])
})

test('a request is shown to its person alone, and decided by a form of the page in their own session', async () => {
  const config = await connect()
  const asked = await ask(config)
  const alice = await signIn()
  const { action, csrf } = newest(await alice.open(`${issuer}/requests`))
  const bob = await signIn('bob@example.com')
  expect(await bob.open(`${issuer}/requests`)).not.toContain(action)
  await bob.submit({ decision: 'approve', csrf }, action)
  expect(bob.status).toBe(403)
  const stranger = new Browser()
  await stranger.open(`${issuer}/requests`)
  expect(await stranger.submit({ decision: 'approve', csrf }, action)).toContain('to see what waits for you')
  const body = new URLSearchParams({ decision: 'approve', csrf })
  await alice.open(issuer + action, { method: 'POST', body, headers: { origin: 'https://evil.example' } })
  expect(alice.status).toBe(403)
  await alice.open(`${issuer}/requests`)
  for (const fields of [{ decision: 'approve' }, { decision: 'approve', csrf: 'x' }]) await alice.submit({ csrf: '', ...fields }, action)
  expect(alice.status).toBe(403)
  await alice.submit({ decision: 'perhaps', csrf }, action)
  expect(alice.status).toBe(400)
  await expect(once(config, asked)).rejects.toMatchObject({ error: 'authorization_pending' })
  await alice.submit({ decision: 'approve', csrf }, action)
  expect(alice.status).toBe(200)
  expect(await alice.submit({ decision: 'deny', csrf }, action)).toContain('this was decided before')
  expect(await once(config, asked)).toMatchObject({ id_token: expect.any(String) })
})

test('CI-01 a person who is disabled after the approval: invalid_grant', async () => {
  const config = await connect()
  const { subject = '' } = (await server.users.findByLogin('alice')) ?? {}
  const asked = await ask(config)
  await decide(await signIn(), 'approve')
  await server.users.disable(subject)
  await expect(once(config, asked)).rejects.toMatchObject({ error: 'invalid_grant' })
  await server.users.enable(subject)
  await expect(once(config, asked)).rejects.toMatchObject({ error: 'invalid_grant' })
})

test('the sign-in of the page has the limits of all', async () => {
  const browser = new Browser()
  await browser.open(`${issuer}/requests`)
  for (const status of [...Array.from({ length: 10 }, () => 401), 429]) {
    expect(await browser.submit({ login: 'carol', password: 'wrong' })).toContain('role="alert"')
    expect(browser.status).toBe(status)
  }
})

test('not named, not there: no page, no link to it', async () => {
  const { server: plain, issuer: origin } = await startServer()
  const browser = new Browser()
  expect(await browser.open(origin)).not.toContain('/requests')
  await browser.open(`${origin}/requests`)
  expect(browser.status).toBe(404)
  await plain.close()
})
