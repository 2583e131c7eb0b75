import * as oidc from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GrantorServer } from '../src/index.ts'
import { Browser } from './browser.ts'
import { PASSWORD, startServer } from './support.ts'

const REDIRECT_URI = 'http://127.0.0.1:5555/callback'

let server: GrantorServer
let issuer: string
let encryption: CryptoKeyPair

beforeAll(async () => {
  const started = await startServer({ extensions: ['jarm', 'pushed_authorization_requests'] })
  server = started.server
  issuer = started.issuer
  encryption = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits'])
})
afterAll(() => server.close())

async function connect(metadata: object = {}, execute = [oidc.useJwtResponseMode]): Promise<oidc.Configuration> {
  const { client_id, client_secret = '' } = await server.authorization.clients.create({
    ...{ application_type: 'native', redirect_uris: [REDIRECT_URI], scope: 'openid profile', ...metadata }
  })
  const options = { execute: [oidc.allowInsecureRequests, ...execute] }
  return oidc.discovery(new URL(issuer), client_id, { client_secret, ...metadata }, undefined, options)
}

/** What the browser brings back to the client after a person decided. */
async function authorize(client: oidc.Configuration, decision: 'allow' | 'deny', params: Record<string, string> = {}) {
  const [pkceCodeVerifier, expectedState, expectedNonce] = [oidc.randomPKCECodeVerifier(), oidc.randomState(), oidc.randomNonce()]
  const code_challenge = await oidc.calculatePKCECodeChallenge(pkceCodeVerifier)
  const url = await oidc.buildAuthorizationUrlWithPAR(client, {
    ...{ redirect_uri: REDIRECT_URI, scope: 'openid profile', state: expectedState, nonce: expectedNonce },
    ...{ code_challenge, code_challenge_method: 'S256', ...params }
  })
  const browser = new Browser()
  await browser.open(url.href)
  await browser.submit({ login: 'alice', password: PASSWORD, decision: 'login' })
  const page = await browser.submit({ decision })
  return { browser, page, checks: { pkceCodeVerifier, expectedState, expectedNonce } }
}

test('openid-client pushes its request and takes the signed answer', async () => {
  const client = await connect()
  const { browser, checks } = await authorize(client, 'allow')
  const callback = new URL(browser.stoppedAt ?? '')
  expect([...callback.searchParams.keys()]).toEqual(['response'])
  const tokens = await oidc.authorizationCodeGrant(client, callback, checks)
  expect(tokens.claims()).toMatchObject({ iss: issuer, nonce: checks.expectedNonce })
})

test('openid-client decrypts it', async () => {
  const key = { ...(await crypto.subtle.exportKey('jwk', encryption.publicKey)), use: 'enc', alg: 'ECDH-ES', kid: 'enc' }
  const client = await connect({
    ...{ jwks: { keys: [key] }, authorization_signed_response_alg: 'ES256' },
    ...{ authorization_encrypted_response_alg: 'ECDH-ES', authorization_encrypted_response_enc: 'A256GCM' }
  })
  oidc.enableDecryptingResponses(client, ['A256GCM'], { key: encryption.privateKey, kid: 'enc' })
  const { browser, checks } = await authorize(client, 'allow')
  const callback = new URL(browser.stoppedAt ?? '')
  expect(callback.searchParams.get('response')?.split('.')).toHaveLength(5)
  expect(await oidc.authorizationCodeGrant(client, callback, checks)).toMatchObject({ scope: 'openid profile' })
})

test('what the person refuses is signed, too', async () => {
  const client = await connect()
  const { browser, checks } = await authorize(client, 'deny')
  const granted = oidc.authorizationCodeGrant(client, new URL(browser.stoppedAt ?? ''), checks)
  await expect(granted).rejects.toMatchObject({ error: 'access_denied' })
})

test('form_post.jwt: the browser posts it', async () => {
  const client = await connect({}, [])
  const { browser, page, checks } = await authorize(client, 'allow', { response_mode: 'form_post.jwt' })
  expect(page).toContain(`action="${REDIRECT_URI}"`)
  expect(Object.keys(browser.fields())).toEqual(['response'])
  oidc.useJwtResponseMode(client)
  const callback = new Request(REDIRECT_URI, { method: 'POST', body: new URLSearchParams(browser.fields()) })
  expect(await oidc.authorizationCodeGrant(client, callback, checks)).toMatchObject({ scope: 'openid profile' })
})
