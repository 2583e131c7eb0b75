import { stepUpChallenge } from 'grantor'
import { decodeJwt, exportJWK, generateKeyPair } from 'jose'
import * as oauth from 'oauth4webapi'
import * as oidc from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GrantorServer } from '../src/index.ts'
import { Browser } from './browser.ts'
import { PASSWORD, startServer } from './support.ts'

const REDIRECT_URI = 'http://127.0.0.1:5556/callback'
const ORDERS = 'https://orders.example.com/api'
const MAIL = 'https://mail.example.com'

let server: GrantorServer
let issuer: string
let registration: { client_id: string; client_secret?: string }

beforeAll(async () => {
  const started = await startServer({
    extensions: ['resource_indicators', 'jwt_introspection', 'step_up'],
    resourceIndicators: { advertised: true },
    resources: [
      { identifier: ORDERS, name: 'Orders', scopes: ['read', 'write'], settings: { accessTokenFormat: 'jwt', accessTokenLifetime: 300 } },
      { identifier: MAIL, scopes: ['send'], clientId: 'mail' }
    ]
  })
  server = started.server
  issuer = started.issuer
  registration = await server.authorization.clients.create({
    application_type: 'native',
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    scope: 'openid read write send',
    resources: [ORDERS, MAIL]
  })
})
afterAll(() => server.close())

/** A person signs in and allows; the consent page, and where the browser was sent. */
async function allow(url: URL): Promise<{ consent: string; callback: URL }> {
  const browser = new Browser()
  expect(await browser.open(url.href)).toContain('Sign in')
  const consent = await browser.submit({ login: 'alice', password: PASSWORD, decision: 'login' })
  await browser.submit({ decision: 'allow' })
  return { consent, callback: new URL(browser.stoppedAt ?? '') }
}

test('openid-client gets a token for each of two resources, and none for a third, from the running server', async () => {
  const { client_id, client_secret } = registration
  const options: oidc.DiscoveryRequestOptions = { algorithm: 'oauth2', execute: [oidc.allowInsecureRequests] }
  const client = await oidc.discovery(new URL(issuer), client_id, undefined, oidc.ClientSecretBasic(client_secret), options)
  expect(client.serverMetadata()['protected_resources']).toEqual([ORDERS, MAIL])
  const [pkceCodeVerifier, expectedState] = [oidc.randomPKCECodeVerifier(), oidc.randomState()]
  const params = new URLSearchParams({
    redirect_uri: REDIRECT_URI,
    scope: 'openid read send',
    state: expectedState,
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256'
  })
  for (const resource of [ORDERS, MAIL]) params.append('resource', resource)
  const { consent, callback } = await allow(oidc.buildAuthorizationUrl(client, params))
  expect(consent).toContain('It will use this at:')
  expect(consent).toContain(`Orders <code>${ORDERS}</code>`)
  expect(consent).toContain(MAIL)
  const redeem = (parameters: Record<string, string>) =>
    oidc.authorizationCodeGrant(client, callback, { pkceCodeVerifier, expectedState, idTokenExpected: true }, parameters)
  await expect(redeem({ resource: `${ORDERS}/` })).rejects.toMatchObject({ error: 'invalid_target' })
  await expect(redeem({})).rejects.toMatchObject({ error: 'invalid_target', error_description: expect.stringContaining('one token each') })
  const orders = await redeem({ resource: ORDERS })
  expect(decodeJwt(orders.access_token)).toMatchObject({ aud: ORDERS, scope: 'read' })
  expect(orders).toMatchObject({ scope: 'read', expires_in: 300 })
  expect(orders.claims()?.sub).toBe(decodeJwt(orders.access_token).sub)
  await expect(oidc.refreshTokenGrant(client, orders.refresh_token ?? '', { resource: issuer })).rejects.toMatchObject({
    error: 'invalid_target'
  })
  const mail = await oidc.refreshTokenGrant(client, orders.refresh_token ?? '', { resource: MAIL })
  expect({ ...(await oidc.tokenIntrospection(client, mail.access_token)) }).toMatchObject({ active: true, aud: MAIL, scope: 'send' })
})

test('oauth4webapi gets a token of its own for one resource', async () => {
  const options = { [oauth.allowInsecureRequests]: true }
  const url = new URL(issuer)
  const as = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { ...options, algorithm: 'oauth2' }))
  const client = { client_id: registration.client_id }
  const authentication = oauth.ClientSecretPost(registration.client_secret ?? '')
  const ask = async (resource: string) =>
    oauth.processClientCredentialsResponse(
      as,
      client,
      await oauth.clientCredentialsGrantRequest(as, client, authentication, { scope: 'write', resource }, options)
    )
  expect(decodeJwt((await ask(ORDERS)).access_token)).toMatchObject({ aud: ORDERS, scope: 'write' })
  await expect(ask('https://other.example.com')).rejects.toMatchObject({ error: 'invalid_target' })
})

test('the API that a token is for asks about it by openid-client, and gets the answer in a JWT that is encrypted to it', async () => {
  const { publicKey, privateKey } = await generateKeyPair('RSA-OAEP-256')
  const { client_id, client_secret } = await server.authorization.clients.create({
    client_id: 'mail',
    grant_types: ['client_credentials'],
    introspection_signed_response_alg: 'ES256',
    introspection_encrypted_response_alg: 'RSA-OAEP-256',
    jwks: { keys: [{ ...(await exportJWK(publicKey)), use: 'enc' } as JsonWebKey] }
  })
  const discover = (id: string, secret: string | undefined, metadata: Partial<oidc.ClientMetadata> = {}) =>
    oidc.discovery(new URL(issuer), id, metadata, oidc.ClientSecretBasic(secret), {
      algorithm: 'oauth2',
      execute: [oidc.allowInsecureRequests]
    })
  const app = await discover(registration.client_id, registration.client_secret)
  const { access_token } = await oidc.clientCredentialsGrant(app, { scope: 'send', resource: MAIL })
  const api = await discover(client_id, client_secret, { introspection_signed_response_alg: 'ES256' })
  oidc.enableDecryptingResponses(api, ['A128CBC-HS256'], { key: privateKey })
  oidc.enableNonRepudiationChecks(api)
  expect({ ...(await oidc.tokenIntrospection(api, access_token)) }).toMatchObject({ active: true, aud: MAIL, scope: 'send' })
})

test('an API that wants a recent sign-in of a kind gets it from the running server; one that nobody can have is refused', async () => {
  const { client_id, client_secret } = registration
  const options: oidc.DiscoveryRequestOptions = { algorithm: 'oauth2', execute: [oidc.allowInsecureRequests] }
  const client = await oidc.discovery(new URL(issuer), client_id, undefined, oidc.ClientSecretBasic(client_secret), options)
  const [acr] = client.serverMetadata().acr_values_supported ?? []
  const [pkceCodeVerifier, expectedState] = [oidc.randomPKCECodeVerifier(), oidc.randomState()]
  const code_challenge = await oidc.calculatePKCECodeChallenge(pkceCodeVerifier)
  const params = {
    redirect_uri: REDIRECT_URI,
    scope: 'read',
    resource: ORDERS,
    state: expectedState,
    code_challenge,
    code_challenge_method: 'S256'
  }
  const browser = new Browser()
  await browser.open(oidc.buildAuthorizationUrl(client, { ...params, acr_values: 'urn:example:none' }).href)
  expect(new URL(browser.stoppedAt ?? '').searchParams.get('error')).toBe('unmet_authentication_requirements')
  const { callback } = await allow(oidc.buildAuthorizationUrl(client, { ...params, acr_values: `${acr}`, max_age: '300' }))
  const tokens = await oidc.authorizationCodeGrant(client, callback, { pkceCodeVerifier, expectedState })
  const claims = decodeJwt(tokens.access_token)
  expect(claims['acr']).toBe(acr)
  const now = Math.floor(Date.now() / 1000)
  expect(stepUpChallenge(claims, { acrValues: [`${acr}`], maxAge: 300 }, { now })).toBeUndefined()
  expect(stepUpChallenge(claims, { acrValues: ['urn:example:none'] }, { now })).toContain('insufficient_user_authentication')
})
