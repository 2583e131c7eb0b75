import { DpopResourceChecker } from 'grantor'
import * as oauth from 'oauth4webapi'
import * as oidc from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GrantorServer } from '../src/index.ts'
import { Browser } from './browser.ts'
import { PASSWORD, startServer } from './support.ts'

const REDIRECT_URI = 'https://client.example.com/cb'
const API = 'https://api.example.com/orders'

describe.each([
  ['with nonces', true],
  ['without nonces', false]
])('DPoP at the running server, %s', (_, nonces) => {
  let server: GrantorServer
  let issuer: string
  beforeAll(async () => {
    ;({ server, issuer } = await startServer({ extensions: ['dpop'], dpop: { nonces } }))
  })
  afterAll(() => server.close())

  /** A client that gets bound tokens only; how often a request was answered with a challenge. */
  async function connect(metadata: object, authentication: (secret: string) => oidc.ClientAuth) {
    const { client_id, client_secret = '' } = await server.authorization.clients.create({
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
      scope: 'openid offline_access',
      dpop_bound_access_tokens: true,
      ...metadata
    })
    const config = await oidc.discovery(new URL(issuer), client_id, { use_mtls_endpoint_aliases: false }, authentication(client_secret), {
      execute: [oidc.allowInsecureRequests]
    })
    const answers: Response[] = []
    config[oidc.customFetch] = async (url, options) => {
      const response = await fetch(url, options as RequestInit)
      answers.push(response)
      return response
    }
    return { config, answers }
  }

  async function authorize(config: oidc.Configuration, params: Record<string, string>) {
    const [pkceCodeVerifier, expectedState] = [oidc.randomPKCECodeVerifier(), oidc.randomState()]
    const url = oidc.buildAuthorizationUrl(config, {
      ...{ redirect_uri: REDIRECT_URI, scope: 'openid offline_access', state: expectedState, prompt: 'consent' },
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      ...params
    })
    const browser = new Browser()
    await browser.open(url.href)
    await browser.submit({ login: 'alice', password: PASSWORD, decision: 'login' })
    await browser.submit({ decision: 'allow' })
    return { callback: new URL(browser.stoppedAt ?? ''), checks: { pkceCodeVerifier, expectedState, idTokenExpected: true } }
  }

  test.each([
    ['a public client', { token_endpoint_auth_method: 'none' }, () => oidc.None(), 'ES256'],
    ['a client that authenticates', {}, (secret: string) => oidc.ClientSecretBasic(secret), 'ES256'],
    ['a client that signs with Ed25519', {}, (secret: string) => oidc.ClientSecretPost(secret), 'Ed25519'],
    ['a client that signs with PS256', {}, (secret: string) => oidc.ClientSecretPost(secret), 'PS256']
  ])('openid-client, %s: code bound by dpop_jkt, userinfo, refresh', async (_name, metadata, authentication, alg) => {
    const { config, answers } = await connect(metadata, authentication)
    const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair(alg))
    const { callback, checks } = await authorize(config, { dpop_jkt: await DPoP.calculateThumbprint() })
    const tokens = await oidc.authorizationCodeGrant(config, callback, checks, undefined, { DPoP })
    expect(tokens.token_type).toBe('dpop')
    const subject = tokens.claims()?.sub ?? ''
    expect(await oidc.fetchUserInfo(config, tokens.access_token, subject, { DPoP })).toMatchObject({ sub: subject })
    const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '', undefined, { DPoP })
    expect(refreshed.token_type).toBe('dpop')
    expect(await oidc.fetchUserInfo(config, refreshed.access_token, subject, { DPoP })).toMatchObject({ sub: subject })
    // The first proof is challenged, and no other.
    const refused = answers.filter(({ status }) => status >= 400)
    expect(refused.map((answer) => answer.headers.has('dpop-nonce'))).toEqual(nonces ? [true] : [])
    await expect(oidc.fetchUserInfo(config, tokens.access_token, subject)).rejects.toMatchObject({ status: 401 })
    const other = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair())
    await expect(oidc.fetchUserInfo(config, refreshed.access_token, subject, { DPoP: other })).rejects.toMatchObject({ status: 401 })
    await expect(oidc.refreshTokenGrant(config, refreshed.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_dpop_proof' })
  })

  test('oauth4webapi: client credentials for an API, which asks for a nonce of its own', async () => {
    const { client_id, client_secret = '' } = await server.authorization.clients.create({
      grant_types: ['client_credentials'],
      scope: 'read',
      dpop_bound_access_tokens: true
    })
    const insecure = { [oauth.allowInsecureRequests]: true }
    const as = await oauth.processDiscoveryResponse(new URL(issuer), await oauth.discoveryRequest(new URL(issuer), insecure))
    const client: oauth.Client = { client_id }
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256', { extractable: true }))
    const authentication = oauth.ClientSecretBasic(client_secret)
    const request = () => oauth.clientCredentialsGrantRequest(as, client, authentication, { scope: 'read' }, { DPoP, ...insecure })
    const process = async () => oauth.processClientCredentialsResponse(as, client, await request())
    const tokens = await process().catch((error: unknown) => {
      expect([nonces, oauth.isDPoPNonceError(error)]).toEqual([true, true])
      return process()
    })
    expect(tokens.token_type).toBe('dpop')
    const introspected = await oauth.introspectionRequest(as, client, authentication, tokens.access_token, insecure)
    const claims = await oauth.processIntrospectionResponse(as, client, introspected)
    expect(claims).toMatchObject({ token_type: 'DPoP', cnf: { jkt: await DPoP.calculateThumbprint() } })

    const checker = new DpopResourceChecker({ nonces: { secret: 'a secret of the API, 32 characters or more' } })
    const api = async (url: string, { method, headers }: { method: string; headers: Record<string, string> }) => {
      const sent = { method, url, headers: new Headers(headers) }
      try {
        expect(checker.token(sent)).toBe(tokens.access_token)
        return new Response('orders', { headers: await checker.check(sent, claims) })
      } catch (error) {
        const { status, headers: challenge } = error as { status: number; headers: Record<string, string> }
        return new Response(null, { status, headers: challenge })
      }
    }
    const read = () =>
      oauth.protectedResourceRequest(tokens.access_token, 'GET', new URL(API), undefined, null, {
        DPoP,
        [oauth.customFetch]: api
      })
    const first: unknown = await read().catch((error: unknown) => error)
    expect(oauth.isDPoPNonceError(first)).toBe(true)
    expect(await (await read()).text()).toBe('orders')
  })

  test('a browser may read the challenge and the nonce', async () => {
    const { config, answers } = await connect({ token_endpoint_auth_method: 'none' }, () => oidc.None())
    const { token_endpoint = '' } = config.serverMetadata()
    const origin = new URL(REDIRECT_URI).origin
    const asked = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'dpop' }
    const preflight = await fetch(token_endpoint, { method: 'OPTIONS', headers: asked })
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/\bDPoP\b/)
    const client_id = config.clientMetadata().client_id
    const body = new URLSearchParams({ client_id, grant_type: 'refresh_token', refresh_token: 'x' })
    const answer = await fetch(token_endpoint, { method: 'POST', body, headers: { origin } })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([400, origin])
    expect(answer.headers.get('access-control-expose-headers')).toMatch(/\bDPoP-Nonce\b/)
    expect(answers).toEqual([])
  })
})

test('two DPoP headers, as Node receives them, are refused (DP-01)', async () => {
  const { server, issuer } = await startServer({ extensions: ['dpop'] })
  const { client_id, client_secret = '' } = await server.authorization.clients.create({
    grant_types: ['client_credentials'],
    scope: 'read'
  })
  const config = await oidc.discovery(new URL(issuer), client_id, undefined, oidc.ClientSecretPost(client_secret), {
    execute: [oidc.allowInsecureRequests]
  })
  config[oidc.customFetch] = (url, options) => {
    const headers = new Headers(options.headers as Record<string, string>)
    headers.append('dpop', headers.get('dpop') ?? '')
    return fetch(url, { ...(options as RequestInit), headers })
  }
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair())
  await expect(oidc.clientCredentialsGrant(config, {}, { DPoP })).rejects.toMatchObject({ error: 'invalid_dpop_proof' })
  await server.close()
})
