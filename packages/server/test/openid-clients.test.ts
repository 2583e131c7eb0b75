import { exportJWK, generateKeyPair } from 'jose'
import * as oidc from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PostgresServer } from '../../sql/test/postgres.ts'
import type { GrantorServer } from '../src/index.ts'
import { Browser } from './browser.ts'
import { PASSWORD, startServer } from './support.ts'

const REDIRECT_URI = 'https://client.example.com/cb'
const AFTERWARDS = 'https://client.example.com/signed-out'
const SCOPE = 'openid profile email offline_access'

type Metadata = Parameters<GrantorServer['authorization']['clients']['create']>[0]

let postgres: PostgresServer
beforeAll(async () => {
  postgres = await PostgresServer.start()
})
afterAll(() => postgres?.stop())

describe.each([
  ['SQLite', async () => 'grantor.db'],
  ['PostgreSQL', () => postgres.createDatabase()]
])('openid-client against the running server on %s', (_, createDatabase) => {
  let server: GrantorServer
  let issuer: string
  beforeAll(async () => {
    ;({ server, issuer } = await startServer({
      database: await createDatabase(),
      extensions: ['request_objects'],
      openid: { responseTypes: ['id_token', 'code id_token'], pairwiseKeyFile: 'pairwise-key' }
    }))
    const alice = await server.users.findByLogin('alice')
    await server.users.updateClaims(alice?.subject ?? '', { name: 'Alice Adams', email: 'alice@example.com', email_verified: true })
  })
  afterAll(() => server.close())

  /** A registered client, discovered with openid-client. */
  async function connect(metadata: Metadata = {}, authentication?: (secret: string) => oidc.ClientAuth): Promise<oidc.Configuration> {
    const { client_id, client_secret = '' } = await server.authorization.clients.create({
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
      scope: SCOPE,
      post_logout_redirect_uris: [AFTERWARDS],
      ...metadata
    })
    const { id_token_signed_response_alg, userinfo_signed_response_alg } = metadata
    const known = {
      ...(id_token_signed_response_alg && { id_token_signed_response_alg }),
      ...(userinfo_signed_response_alg && { userinfo_signed_response_alg })
    }
    const method = authentication?.(client_secret) ?? oidc.ClientSecretBasic(client_secret)
    return oidc.discovery(new URL(issuer), client_id, known, method, {
      execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks]
    })
  }

  /** From the application to the person and back: the address or the form that the application gets. */
  async function travel(url: URL, browser = new Browser()): Promise<URL | Request> {
    await browser.open(url.href)
    await browser.submit({ login: 'alice', password: PASSWORD, decision: 'login' })
    const page = await browser.submit({ decision: 'allow' })
    if (browser.stoppedAt !== undefined) return new URL(browser.stoppedAt)
    expect(page).toContain(`action="${REDIRECT_URI}"`)
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return new Request(REDIRECT_URI, { method: 'POST', headers, body: new URLSearchParams(browser.fields()) })
  }

  /** The whole code flow with PKCE, state and nonce, and everything that openid-client checks of it. */
  async function signIn(
    config: oidc.Configuration,
    {
      params = {},
      build = oidc.buildAuthorizationUrl,
      browser
    }: {
      params?: Record<string, string>
      build?: (config: oidc.Configuration, params: Record<string, string>) => URL | Promise<URL>
      browser?: Browser
    } = {}
  ) {
    const [pkceCodeVerifier, expectedState, expectedNonce] = [oidc.randomPKCECodeVerifier(), oidc.randomState(), oidc.randomNonce()]
    const url = await build(config, {
      redirect_uri: REDIRECT_URI,
      scope: SCOPE,
      state: expectedState,
      nonce: expectedNonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      ...params
    })
    const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }
    return oidc.authorizationCodeGrant(config, await travel(url, browser), checks)
  }

  const userinfo = (config: oidc.Configuration, tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers) =>
    oidc.fetchUserInfo(config, tokens.access_token, tokens.claims()?.sub ?? '')

  test('discovery, code with PKCE and nonce, userinfo, refresh, logout', async () => {
    const config = await connect()
    const browser = new Browser()
    const tokens = await signIn(config, { browser })
    const claims = tokens.claims()
    expect(claims).toMatchObject({ iss: issuer, acr: 'urn:grantor:acr:password', auth_time: expect.any(Number), sid: expect.any(String) })
    expect(await userinfo(config, tokens)).toMatchObject({ sub: claims?.sub, name: 'Alice Adams', email: 'alice@example.com' })
    const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
    expect(refreshed.claims()).toMatchObject({ sub: claims?.sub, auth_time: claims?.auth_time, sid: claims?.['sid'] })
    expect(await userinfo(config, refreshed)).toMatchObject({ email_verified: true })
    const url = oidc.buildEndSessionUrl(config, {
      id_token_hint: refreshed.id_token ?? '',
      post_logout_redirect_uri: AFTERWARDS,
      state: 'signed out'
    })
    await browser.open(url.href)
    expect(browser.stoppedAt).toBe(`${AFTERWARDS}?state=signed+out`)
    expect(await (await fetch(`${issuer}/`, { headers: { cookie: browser.cookie() } })).text()).not.toContain('Sign out')
  })

  test('without offline_access the refresh token ends with the session', async () => {
    const config = await connect()
    const browser = new Browser()
    const tokens = await signIn(config, { browser, params: { scope: 'openid' } })
    await browser.open(oidc.buildEndSessionUrl(config, { id_token_hint: tokens.id_token ?? '' }).href)
    await expect(oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' })
    await expect(userinfo(config, tokens)).rejects.toMatchObject({ status: 401 })
  })

  test('hybrid: code id_token in the fragment, with c_hash and nonce', async () => {
    const config = await connect({ response_types: ['code id_token'], grant_types: ['authorization_code', 'implicit'] })
    oidc.useCodeIdTokenResponseType(config)
    const tokens = await signIn(config)
    expect(await userinfo(config, tokens)).toMatchObject({ name: 'Alice Adams' })
  })

  test('implicit: id_token in the fragment, with the claims of its scope', async () => {
    const config = await connect({ response_types: ['id_token'], grant_types: ['implicit'] })
    oidc.useIdTokenResponseType(config)
    const [state, nonce] = [oidc.randomState(), oidc.randomNonce()]
    const url = oidc.buildAuthorizationUrl(config, { redirect_uri: REDIRECT_URI, scope: 'openid email', state, nonce })
    const claims = await oidc.implicitAuthentication(config, await travel(url), nonce, { expectedState: state })
    expect(claims).toMatchObject({ email: 'alice@example.com' })
  })

  test.each(['form_post', 'query'])('code by %s', async (response_mode) => {
    const config = await connect()
    expect(await userinfo(config, await signIn(config, { params: { response_mode } }))).toMatchObject({ name: 'Alice Adams' })
  })

  test('hybrid by form_post', async () => {
    const config = await connect({ response_types: ['code id_token'], grant_types: ['authorization_code', 'implicit'] })
    oidc.useCodeIdTokenResponseType(config)
    expect((await signIn(config, { params: { response_mode: 'form_post' } })).claims()).toMatchObject({ iss: issuer })
  })

  // It signs as Ed25519 (RFC 9864), whatever was registered.
  test.each([
    ['ES256', 'ES256'],
    ['RS256', 'RS256'],
    ['PS256', 'PS256'],
    ['Ed25519', 'Ed25519'],
    ['Ed25519', 'EdDSA']
  ])('a signed request object and private_key_jwt with %s, registered as %s', async (alg, registered) => {
    const { jwks, privateKey } = await newKeys(alg, { alg: registered })
    const metadata = {
      jwks,
      request_object_signing_alg: registered,
      token_endpoint_auth_signing_alg: registered,
      require_signed_request_object: true
    }
    const config = await connect({ ...metadata, token_endpoint_auth_method: 'private_key_jwt' }, () => oidc.PrivateKeyJwt(privateKey))
    const tokens = await signIn(config, { build: (client, params) => oidc.buildAuthorizationUrlWithJAR(client, params, privateKey) })
    expect(await userinfo(config, tokens)).toMatchObject({ name: 'Alice Adams' })
    await expect(signIn(config)).rejects.toMatchObject({ error: 'invalid_request' })
  })

  test('pairwise subjects: one for each sector, the same in ID token, userinfo and after a refresh', async () => {
    const here = await connect({ subject_type: 'pairwise' })
    const there = await connect({ subject_type: 'pairwise', redirect_uris: [`${REDIRECT_URI}?other`, REDIRECT_URI] })
    const subjects = []
    for (const config of [here, there, await connect()]) {
      const tokens = await signIn(config)
      subjects.push(tokens.claims()?.sub)
      expect((await userinfo(config, tokens)).sub).toBe(tokens.claims()?.sub)
      expect((await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')).claims()?.sub).toBe(tokens.claims()?.sub)
    }
    // Both pairwise clients are of one host, and so of one sector.
    expect([subjects[0] === subjects[1], subjects[0] === subjects[2]]).toEqual([true, false])
  })

  test.each([
    ['RSA-OAEP-256', 'A256GCM'],
    ['RSA-OAEP-256', 'A128CBC-HS256'],
    ['ECDH-ES', 'A256GCM'],
    ['ECDH-ES', 'A128CBC-HS256']
  ])('an ID token and userinfo encrypted with %s and %s', async (alg, enc) => {
    const { jwks, privateKey } = await newKeys(alg, { use: 'enc', kid: 'mine' })
    const config = await connect({
      jwks,
      id_token_encrypted_response_alg: alg,
      id_token_encrypted_response_enc: enc,
      userinfo_signed_response_alg: 'RS256',
      userinfo_encrypted_response_alg: alg,
      userinfo_encrypted_response_enc: enc
    })
    oidc.enableDecryptingResponses(config, [enc], { key: privateKey, alg, kid: 'mine' })
    const tokens = await signIn(config)
    expect(tokens.id_token?.split('.')).toHaveLength(5)
    expect(await userinfo(config, tokens)).toMatchObject({ email: 'alice@example.com' })
  })

  test.each(['RS256', 'ES256'])('an ID token and userinfo signed with %s', async (alg) => {
    const config = await connect({ id_token_signed_response_alg: alg, userinfo_signed_response_alg: alg })
    const tokens = await signIn(config)
    expect(await userinfo(config, tokens)).toMatchObject({ email: 'alice@example.com' })
  })

  test('prompt=none, max_age and an id_token_hint, in a browser that is signed in', async () => {
    const config = await connect()
    const browser = new Browser()
    const tokens = await signIn(config, { browser })
    const [pkceCodeVerifier, expectedState] = [oidc.randomPKCECodeVerifier(), oidc.randomState()]
    const silently = async (to: Browser) => {
      const url = oidc.buildAuthorizationUrl(config, {
        ...{ redirect_uri: REDIRECT_URI, scope: SCOPE, state: expectedState, prompt: 'none', max_age: '3600' },
        ...{ id_token_hint: tokens.id_token ?? '', code_challenge_method: 'S256' },
        code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier)
      })
      await to.open(url.href)
      return oidc.authorizationCodeGrant(config, new URL(to.stoppedAt ?? ''), { pkceCodeVerifier, expectedState, maxAge: 3600 })
    }
    expect((await silently(browser)).claims()).toMatchObject({ sub: tokens.claims()?.sub, auth_time: tokens.claims()?.auth_time })
    await expect(silently(new Browser())).rejects.toMatchObject({ error: 'login_required' })
  })
})

async function newKeys(alg: string, members: object = {}): Promise<{ jwks: { keys: JsonWebKey[] }; privateKey: CryptoKey }> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { jwks: { keys: [{ ...(await exportJWK(publicKey)), ...members } as JsonWebKey] }, privateKey }
}
