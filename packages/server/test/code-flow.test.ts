import * as oidc from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GrantorServer } from '../src/index.ts'
import { Browser } from './browser.ts'
import { startServer } from './support.ts'

const REDIRECT_URI = 'http://127.0.0.1:5555/callback'

let server: GrantorServer
let issuer: string

beforeAll(async () => {
  ;({ server, issuer } = await startServer())
})
afterAll(() => server.close())

async function discover(
  metadata: Parameters<GrantorServer['authorization']['clients']['create']>[0],
  authentication = oidc.ClientSecretBasic
) {
  const created = await server.authorization.clients.create({
    application_type: 'native',
    redirect_uris: ['http://127.0.0.1/callback'],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    scope: 'read write',
    ...metadata
  })
  const options: oidc.DiscoveryRequestOptions = { algorithm: 'oauth2', execute: [oidc.allowInsecureRequests] }
  const config = await oidc.discovery(new URL(issuer), created.client_id, undefined, authentication(created.client_secret ?? ''), options)
  return { config, created }
}

describe('openid-client against the running server on SQLite', () => {
  test.each(['query', 'form_post'] as const)('code and PKCE by %s, refresh, introspection, revocation', async (responseMode) => {
    const { config } = await discover({})
    const verifier = oidc.randomPKCECodeVerifier()
    const state = oidc.randomState()
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT_URI,
      scope: 'read',
      state,
      response_mode: responseMode,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256'
    })
    const browser = new Browser()
    const login = await browser.open(url.href)
    expect(login).toContain('Sign in')
    const consent = await browser.submit({ login: 'alice', password: 'correct horse', decision: 'login' })
    expect(consent).toContain('wants access to your account')
    await browser.submit({ decision: 'allow' })
    const callback =
      responseMode === 'query'
        ? new URL(browser.stoppedAt ?? '')
        : new Request(REDIRECT_URI, {
            method: 'POST',
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
            body: new URLSearchParams(browser.fields())
          })
    const tokens = await oidc.authorizationCodeGrant(config, callback, { pkceCodeVerifier: verifier, expectedState: state })
    expect(tokens.scope).toBe('read')
    const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
    expect(await oidc.tokenIntrospection(config, refreshed.access_token)).toMatchObject({ active: true, scope: 'read' })
    await oidc.tokenRevocation(config, refreshed.refresh_token ?? '')
    expect(await oidc.tokenIntrospection(config, refreshed.access_token)).toEqual({ active: false })
  })

  test('a wrong password is refused, and the person who denies sends the application away', async () => {
    const { config } = await discover({})
    const challenge = await oidc.calculatePKCECodeChallenge(oidc.randomPKCECodeVerifier())
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT_URI,
      scope: 'read',
      state: 's',
      code_challenge: challenge,
      code_challenge_method: 'S256'
    })
    const browser = new Browser()
    await browser.open(url.href)
    expect(await browser.submit({ login: 'alice', password: 'wrong', decision: 'login' })).toContain('The name or the password is wrong.')
    await browser.submit({ decision: 'deny' })
    expect(Object.fromEntries(new URL(browser.stoppedAt ?? '').searchParams)).toMatchObject({
      error: 'access_denied',
      state: 's',
      iss: issuer
    })
  })

  test.each([
    ['client_secret_basic', oidc.ClientSecretBasic],
    ['client_secret_post', oidc.ClientSecretPost]
  ] as const)('client_credentials by %s', async (method, authentication) => {
    const { config } = await discover({ token_endpoint_auth_method: method }, authentication)
    expect(await oidc.clientCredentialsGrant(config, { scope: 'read' })).toMatchObject({ scope: 'read', token_type: 'bearer' })
  })

  test('client_credentials by private_key_jwt', async () => {
    const { publicKey, privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
    const jwk = await crypto.subtle.exportKey('jwk', publicKey)
    const { config } = await discover({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } }, () =>
      oidc.PrivateKeyJwt(privateKey)
    )
    expect(await oidc.clientCredentialsGrant(config, { scope: 'read' })).toMatchObject({ scope: 'read' })
  })
})
