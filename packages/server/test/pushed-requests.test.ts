import * as oidc from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GrantorServer } from '../src/index.ts'
import { Browser } from './browser.ts'
import { PASSWORD, startServer } from './support.ts'

const REDIRECT_URI = 'http://127.0.0.1:5555/callback'

let server: GrantorServer
let issuer: string
let key: CryptoKey
let jwks: { keys: JsonWebKey[] }

beforeAll(async () => {
  const started = await startServer({
    extensions: ['pushed_authorization_requests', 'request_objects'],
    pushedAuthorizationRequests: { required: true, lifetime: 30 }
  })
  server = started.server
  issuer = started.issuer
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  key = pair.privateKey
  jwks = { keys: [await crypto.subtle.exportKey('jwk', pair.publicKey)] }
})
afterAll(() => server.close())

async function connect(metadata: object, authentication: (secret: string | undefined) => oidc.ClientAuth): Promise<oidc.Configuration> {
  const { client_id, client_secret } = await server.authorization.clients.create({
    ...{ application_type: 'native', redirect_uris: [REDIRECT_URI], scope: 'read', ...metadata }
  })
  const options: oidc.DiscoveryRequestOptions = { algorithm: 'oauth2', execute: [oidc.allowInsecureRequests] }
  return oidc.discovery(new URL(issuer), client_id, undefined, authentication(client_secret), options)
}

/** A request that openid-client pushes, and what it needs to take the answer. */
async function push(client: oidc.Configuration, signed = false) {
  const [pkceCodeVerifier, expectedState] = [oidc.randomPKCECodeVerifier(), oidc.randomState()]
  const code_challenge = await oidc.calculatePKCECodeChallenge(pkceCodeVerifier)
  const params = { redirect_uri: REDIRECT_URI, scope: 'read', state: expectedState, code_challenge, code_challenge_method: 'S256' }
  const { searchParams } = signed
    ? await oidc.buildAuthorizationUrlWithJAR(client, params, key)
    : oidc.buildAuthorizationUrl(client, params)
  return { url: await oidc.buildAuthorizationUrlWithPAR(client, searchParams), checks: { pkceCodeVerifier, expectedState } }
}

async function signIn(browser: Browser, url: URL): Promise<URL> {
  expect(await browser.open(url.href)).toContain('Sign in')
  await browser.submit({ login: 'alice', password: PASSWORD, decision: 'login' })
  await browser.submit({ decision: 'allow' })
  return new URL(browser.stoppedAt ?? '')
}

test('openid-client pushes its request to the running server', async () => {
  const client = await connect({}, oidc.ClientSecretBasic)
  const { url, checks } = await push(client)
  expect([...url.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri'])
  expect(await oidc.authorizationCodeGrant(client, await signIn(new Browser(), url), checks)).toMatchObject({ scope: 'read' })
})

test('openid-client pushes a signed request, authenticated by private_key_jwt', async () => {
  const metadata = { token_endpoint_auth_method: 'private_key_jwt', jwks, require_signed_request_object: true }
  const client = await connect(metadata, () => oidc.PrivateKeyJwt(key))
  await expect(push(client)).rejects.toMatchObject({ error: 'invalid_request', status: 400 })
  const { url, checks } = await push(client, true)
  expect(await oidc.authorizationCodeGrant(client, await signIn(new Browser(), url), checks)).toMatchObject({ scope: 'read' })
})

test('PR-05 par-ensure-reused-request-uri-prior-to-auth-completion-succeeds, and after it fails', async () => {
  const client = await connect({}, oidc.ClientSecretBasic)
  const { url, checks } = await push(client)
  const browser = new Browser()
  await browser.open(url.href)
  await browser.open(browser.url)
  const callback = await signIn(browser, url)
  expect(await oidc.authorizationCodeGrant(client, callback, checks)).toMatchObject({ scope: 'read' })
  expect(await browser.open(url.href)).toContain('invalid_request_uri')
  expect(browser.status).toBe(400)
})

test('PR-03 what is wrong with a request, the client learns when it pushes it', async () => {
  const client = await connect({ scope: 'write' }, oidc.ClientSecretBasic)
  await expect(push(client)).rejects.toMatchObject({ error: 'invalid_scope', status: 400 })
})

test('PR-07 the configuration requires it', async () => {
  const client = await connect({}, oidc.ClientSecretBasic)
  expect(client.serverMetadata().require_pushed_authorization_requests).toBe(true)
  const browser = new Browser()
  await browser.open(oidc.buildAuthorizationUrl(client, { redirect_uri: REDIRECT_URI, scope: 'read' }).href)
  expect(new URL(browser.stoppedAt ?? '').searchParams.get('error')).toBe('invalid_request')
})
