import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { AuthorizationServer, MemoryStore, passwordGrant } from '../src/index.ts'
import { oauth21, openidProvider } from '../src/presets/index.ts'
import { ISSUER, TestServer } from './support.ts'

const BARE = { issuer: ISSUER, store: new MemoryStore() }

describe('oauth21', () => {
  test('says what every server does anyway', () => {
    const [preset, plain] = [new AuthorizationServer({ ...oauth21(), ...BARE }), new AuthorizationServer(BARE)]
    expect(preset.settings).toEqual(plain.settings)
    expect(preset.metadata()).toEqual(plain.metadata())
  })

  test('has client credentials, the code flow and refresh', async () => {
    const server = new TestServer(oauth21())
    const client = await server.client()
    expect((await server.token(client, { grant_type: 'client_credentials' })).status).toBe(200)
    const tokens = await (await server.redeem(client, await server.code())).json()
    const refreshed = await (await server.token(client, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })).json()
    expect(refreshed).toMatchObject({ token_type: 'Bearer', scope: 'read' })
    expect(refreshed.refresh_token).not.toBe(tokens.refresh_token)
    expect(tokens).not.toHaveProperty('id_token')
  })

  test.each(['client', 'publicClient'] as const)('RFC 9700 §2.1.1: a %s without PKCE gets no code', async (kind) => {
    const server = new TestServer(oauth21())
    const { client_id } = await server[kind]()
    const response = await server.authorize({ client_id, code_challenge: undefined, code_challenge_method: undefined })
    expect(new URL(response.headers.get('location') ?? '').searchParams.get('error')).toBe('invalid_request')
  })

  test('RFC 9700 §2.1.2 §2.4: neither the implicit grant nor the password grant is there, unless somebody adds it', async () => {
    const server = new TestServer(oauth21())
    const client = await server.client()
    const implicit = await server.authorize({ response_type: 'token' })
    expect(implicit.headers.get('location')).toContain('error=unsupported_response_type')
    const password = { grant_type: 'password', username: 'alice', password: 'right' }
    expect(await (await server.token(client, password)).json()).toMatchObject({ error: 'unsupported_grant_type' })

    const old = new TestServer(oauth21({ extensions: [passwordGrant({ authenticate: async () => ({ subject: 'alice' }) })] }))
    const legacy = await old.client({ grant_types: ['password'], redirect_uris: [] })
    expect((await old.token(legacy, password)).status).toBe(200)
  })

  test('gives way to what is written after it', () => {
    expect(new AuthorizationServer({ ...BARE, ...oauth21(), refreshTokenRotation: 'public-clients' }).settings.refreshTokenRotation).toBe(
      'public-clients'
    )
  })
})

describe('openidProvider', () => {
  const people = { claims: async () => ({ email: 'alice@example.com' }) }

  test('is OAuth 2.1 with OpenID Connect and its three ways to sign out', async () => {
    const server = new TestServer(openidProvider(people))
    const discovery = await (await server.fetch('/.well-known/openid-configuration')).json()
    expect(discovery).toMatchObject({
      userinfo_endpoint: `${ISSUER}/userinfo`,
      end_session_endpoint: `${ISSUER}/logout`,
      backchannel_logout_supported: true,
      frontchannel_logout_supported: true,
      response_types_supported: ['code', 'none'],
      code_challenge_methods_supported: ['S256']
    })
    const client = await server.client({ scope: 'openid email' })
    const code = await server.code({ scope: 'openid email', nonce: 'n' })
    const { id_token, access_token } = await (await server.redeem(client, code)).json()
    expect(decodeJwt(id_token)).toMatchObject({ iss: ISSUER, sub: 'alice', aud: 'app', nonce: 'n' })
    const userinfo = await server.fetch('/userinfo', { headers: { authorization: `Bearer ${access_token}` } })
    expect(await userinfo.json()).toEqual({ sub: 'alice', email: 'alice@example.com' })
  })

  test('is not there where nobody named it', async () => {
    const server = new TestServer(oauth21())
    expect((await server.fetch('/.well-known/openid-configuration')).status).toBe(404)
    expect((await server.fetch('/logout')).status).toBe(404)
  })

  test('is not built without a way to end sessions, nor with an option that cannot work', () => {
    const interactions = { session: async () => undefined, prompt: async () => ({ status: 200, headers: {} }) }
    expect(() => new AuthorizationServer({ ...openidProvider(people), ...BARE, interactions })).toThrow('needs interactions.endSession')
    expect(() => openidProvider({ ...people, retryAfter: [1] })).toThrow('each at least 30')
  })

  test('takes the options of OpenID Connect, and other extensions', async () => {
    const authenticate = async () => ({ subject: 'alice' })
    const server = new TestServer(openidProvider({ ...people, acrValues: ['silver'], extensions: [passwordGrant({ authenticate })] }))
    expect(server.server.metadata()).toMatchObject({
      acr_values_supported: ['silver'],
      grant_types_supported: expect.arrayContaining(['password'])
    })
  })
})
