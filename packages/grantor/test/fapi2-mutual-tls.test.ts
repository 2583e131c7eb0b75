import * as oidc from 'openid-client'
import { beforeAll, describe, expect, test } from 'vitest'
import type { ClientCertificate, NewClient } from '../src/index.ts'
import { type Fapi2Options, fapi2 } from '../src/presets/index.ts'
import { askedByOpenidClient, FapiFlow, fapiClient, OPENID, signingKey } from './fapi2-support.ts'
import { askUserinfo, jwkOf, newCertificate, over } from './mutual-tls-support.ts'
import { expectTokenError, ISSUER, TestServer } from './support.ts'

const SP = 'FAPI 2.0 Security Profile section '
const ALIASES = 'https://mtls.example.com'
const SUBJECT = 'CN=client,O=Example,C=NZ'
const GRANTS = ['authorization_code', 'refresh_token', 'client_credentials']
const CERTIFICATES: Fapi2Options = { mutualTls: {} }
const EITHER: Fapi2Options = { dpop: {}, mutualTls: {} }

let certificate: ClientCertificate
beforeAll(async () => {
  certificate = await newCertificate({ subject: 'C=NZ,O=Example,CN=client' }, true)
})

/** What a client registers that authenticates so. */
async function registration(method: string): Promise<NewClient> {
  const key = (await signingKey()).jwk
  const own = method === 'private_key_jwt' ? [] : [jwkOf(certificate) as JsonWebKey]
  return fapiClient({
    token_endpoint_auth_method: method,
    ...(method === 'tls_client_auth' && { tls_client_auth_subject_dn: SUBJECT }),
    jwks: { keys: [key, ...own] },
    grant_types: GRANTS
  })
}

async function open(options: Fapi2Options, method: string, metadata: NewClient = {}) {
  const test = new TestServer(fapi2(options))
  await test.client({ ...(await registration(method)), ...metadata })
  return test
}

describe('conformance 3.3 with mutual TLS: discovery', () => {
  test('tls_client_certificate_bound_access_tokens, the methods of RFC 8705, and endpoints that ask for certificates', async () => {
    const test = await open({ ...OPENID, mutualTls: { endpointAliases: ALIASES } }, 'tls_client_auth')
    const metadata = test.server.metadata()
    expect(metadata).toMatchObject({
      tls_client_certificate_bound_access_tokens: true,
      token_endpoint_auth_methods_supported: ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'],
      mtls_endpoint_aliases: { token_endpoint: `${ALIASES}/token`, pushed_authorization_request_endpoint: `${ALIASES}/par` }
    })
    expect(metadata).not.toHaveProperty('dpop_signing_alg_values_supported')
    const either = (await open(EITHER, 'private_key_jwt', { dpop_bound_access_tokens: true })).server.metadata()
    expect(either['dpop_signing_alg_values_supported']).toEqual(['ES256', 'PS256', 'EdDSA', 'Ed25519'])
  })
})

const METHODS = ['tls_client_auth', 'self_signed_tls_client_auth', 'private_key_jwt']
const WAYS: [string, Fapi2Options, NewClient][] = [
  ['plain OAuth', CERTIFICATES, {}],
  ['OpenID Connect', { ...OPENID, ...CERTIFICATES }, {}],
  ['OpenID Connect, message signing', { ...OPENID, ...CERTIFICATES, messageSigning: true }, {}],
  ['a choice of certificate or DPoP', { ...OPENID, ...EITHER }, { tls_client_certificate_bound_access_tokens: true }]
]

describe.each(WAYS)('tokens bound to certificates, %s', (_, options, metadata) => {
  test.each(METHODS)('openid-client with %s: PAR, code, userinfo, refresh, introspection', async (method) => {
    const test = await open(options, method, metadata)
    const { privateKey } = await signingKey()
    const key = { key: privateKey, kid: 'k' }
    const clockSkew = test.now - Math.floor(Date.now() / 1000)
    const [isOpenId, isSigned] = [options.openid !== undefined, options.messageSigning === true]
    const authentication = method === 'private_key_jwt' ? oidc.PrivateKeyJwt(key) : oidc.TlsClientAuth()
    const config = await oidc.discovery(new URL(ISSUER), 'app', { [oidc.clockSkew]: clockSkew }, authentication, {
      [oidc.customFetch]: (url: string, init: object) => over(test, certificate, () => test.fetch(url, init)),
      algorithm: isOpenId ? 'oidc' : 'oauth2',
      execute: isSigned ? [oidc.useJwtResponseMode] : []
    })
    const { asked, checks } = await askedByOpenidClient(isOpenId)
    const sent = isSigned ? (await oidc.buildAuthorizationUrlWithJAR(config, asked, key)).searchParams : asked
    const url = await oidc.buildAuthorizationUrlWithPAR(config, sent)
    const callback = new URL((await test.fetch(url.href)).headers.get('location') ?? '')
    const tokens = await oidc.authorizationCodeGrant(config, callback, checks)
    expect(tokens.token_type).toBe('bearer')
    if (isOpenId) {
      expect(await oidc.fetchUserInfo(config, tokens.access_token, 'alice')).toMatchObject({ sub: 'alice' })
      expect((await askUserinfo(test, tokens.access_token)).status).toBe(401)
      expect((await askUserinfo(test, tokens.access_token, await newCertificate())).status).toBe(401)
    }
    const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
    expect(refreshed.refresh_token).toBe(undefined)
    const cnf = { 'x5t#S256': expect.stringMatching(/^[\w-]{43}$/) }
    expect(await oidc.tokenIntrospection(config, refreshed.access_token)).toMatchObject({ active: true, cnf })
    expect(await oidc.clientCredentialsGrant(config, { scope: 'read' })).not.toHaveProperty('refresh_token')
  })
})

describe('conformance 3.3 with mutual TLS: what is refused', () => {
  test('a client without its certificate at PAR, at the token endpoint, with a refresh token', async () => {
    const test = await open(CERTIFICATES, 'tls_client_auth')
    for (const wrong of [
      undefined,
      await newCertificate({ subject: 'C=NZ,O=Example,CN=client' }),
      await newCertificate({ subject: 'CN=other' }, true)
    ])
      for (const path of ['/par', '/token'])
        await over(test, wrong, async () => expectTokenError(await test.post(path, { client_id: 'app' }), 401, 'invalid_client'))
  })

  test('5.3.2.1-4 a refresh or a token without the certificate that tokens are bound to; with a new one it succeeds', async () => {
    const flow = await FapiFlow.open(CERTIFICATES)
    const { test } = flow
    const code = await flow.code()
    await expectTokenError(await flow.redeem(code, {}, ''), 400, 'invalid_request')
    const { refresh_token } = await over(test, certificate, async () => (await flow.redeem(code, {}, '')).json())
    const refresh = () => flow.token({ grant_type: 'refresh_token', refresh_token }, '')
    await expectTokenError(await refresh(), 400, 'invalid_request')
    expect((await over(test, await newCertificate(), refresh)).status).toBe(200)
  })

  test('5.3.2.1-4 where there is a choice, a client that does not prove what it is registered for', async () => {
    const flow = await FapiFlow.open(EITHER, {}, { dpop_bound_access_tokens: true })
    const ask = (proof?: string) => flow.token({ grant_type: 'client_credentials' }, proof)
    await expectTokenError(await over(flow.test, certificate, () => ask('')), 400, 'invalid_dpop_proof')
    const tokens = await (await over(flow.test, certificate, () => ask())).json()
    expect(tokens.token_type).toBe('DPoP')
  })

  test.each<[Fapi2Options, NewClient]>([
    [EITHER, {}],
    [EITHER, { dpop_bound_access_tokens: true, tls_client_certificate_bound_access_tokens: true }],
    [CERTIFICATES, { tls_client_certificate_bound_access_tokens: false }],
    [{ dpop: { required: true }, mutualTls: {} }, { tls_client_certificate_bound_access_tokens: true }]
  ])('5.3.2.1-4 %j a client that registers %j', async (options, metadata) => {
    await expect(open(options, 'private_key_jwt', metadata)).rejects.toMatchObject({
      error: 'invalid_client_metadata',
      message: `${SP}5.3.2.1-4: shall only issue sender-constrained access tokens`
    })
  })

  test('options that leave tokens unbound, or would bind each to two keys', () => {
    expect(() => fapi2({ mutualTls: { required: false } })).toThrow(`fapi2: ${SP}5.3.2.1-4`)
    const both = fapi2({ dpop: { required: true }, mutualTls: { required: true } })
    expect(() => new TestServer(both)).toThrow('two extensions are to bind every token, to keys of two kinds')
  })
})

test('certificates authenticate, and DPoP binds (section 5.3.2.1-5, 5.3.2.1-6)', async () => {
  const flow = await FapiFlow.open({ dpop: { required: true }, mutualTls: {} }, {}, await registration('tls_client_auth'))
  await over(flow.test, certificate, async () => {
    const tokens = await (await flow.token({ grant_type: 'client_credentials', client_id: 'app' }, undefined, {})).json()
    expect(tokens.token_type).toBe('DPoP')
  })
})
