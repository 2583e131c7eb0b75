import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'
import * as oidc from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GrantorServer } from '../src/index.ts'
import { Browser } from './browser.ts'
import { createAuthority, jwkOf, selfSign, type TestAuthority, type TestCertificate } from './certificates.ts'
import { authorizeOverTls, fetchOverTls, REDIRECT_URI } from './mutual-tls-client.ts'
import { freePort, PASSWORD, startServer, temporaryFolder } from './support.ts'

describe.each([
  ['fapi2', false],
  ['fapi2-message-signing', true]
])('profile %s at the running server', (profile, isSigned) => {
  let server: GrantorServer
  let issuer: string
  beforeAll(async () => {
    const named = {
      extensions: ['dpop', 'jarm', 'resource_indicators'],
      dpop: { nonces: true, required: true },
      requestObjects: { encrypted: true }
    }
    ;({ server, issuer } = await startServer({ profile, signingAlgorithms: ['EdDSA'], ...named }))
  })
  afterAll(() => server.close())

  test('openid-client with private_key_jwt and DPoP: the pages, tokens, userinfo, refresh', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
    const { client_id } = await server.authorization.clients.create({
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [(await exportJWK(publicKey)) as JsonWebKey] },
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
      scope: 'openid offline_access'
    })
    const config = await oidc.discovery(new URL(issuer), client_id, undefined, oidc.PrivateKeyJwt(privateKey), {
      execute: [oidc.allowInsecureRequests, ...(isSigned ? [oidc.useJwtResponseMode] : [])]
    })
    const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair())
    const [pkceCodeVerifier, expectedState, expectedNonce] = [oidc.randomPKCECodeVerifier(), oidc.randomState(), oidc.randomNonce()]
    const asked = {
      ...{ redirect_uri: REDIRECT_URI, scope: 'openid offline_access', state: expectedState, nonce: expectedNonce, prompt: 'consent' },
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256'
    }
    const sent = isSigned ? (await oidc.buildAuthorizationUrlWithJAR(config, asked, privateKey)).searchParams : asked
    const browser = new Browser()
    await browser.open((await oidc.buildAuthorizationUrlWithPAR(config, sent, { DPoP })).href)
    await browser.submit({ login: 'alice', password: PASSWORD, decision: 'login' })
    await browser.submit({ decision: 'allow' })
    const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }
    const tokens = await oidc.authorizationCodeGrant(config, new URL(browser.stoppedAt ?? ''), checks, undefined, { DPoP })
    const subject = tokens.claims()?.sub ?? ''
    expect(await oidc.fetchUserInfo(config, tokens.access_token, subject, { DPoP })).toMatchObject({ sub: subject })
    const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '', undefined, { DPoP })
    expect([tokens.token_type, refreshed.token_type, refreshed.refresh_token]).toEqual(['dpop', 'dpop', undefined])
  })

  test('says of itself what it is, and takes no client that is something else', async () => {
    expect(await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()).toMatchObject({
      require_pushed_authorization_requests: true,
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
      id_token_signing_alg_values_supported: ['EdDSA'],
      request_parameter_supported: isSigned,
      ...(isSigned && { request_object_encryption_alg_values_supported: ['RSA-OAEP-256', 'ECDH-ES'] }),
      end_session_endpoint: `${issuer}/logout`
    })
    await expect(server.authorization.clients.create({ redirect_uris: [REDIRECT_URI] })).rejects.toThrow('section 5.3.2.1-6')
  })
})

describe('profile fapi2 with mutual TLS, over our own TLS', () => {
  let hosts: TestAuthority
  let clients: TestAuthority
  let server: GrantorServer
  let issuer: string
  beforeAll(async () => {
    ;[hosts, clients] = [await createAuthority(), await createAuthority()]
    const [folder, port] = [temporaryFolder(), await freePort()]
    const { certificate, key } = await hosts.issue(['localhost'])
    const files = { 'tls.crt': certificate, 'tls.key': key, 'clients.pem': clients.certificate }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    issuer = `https://localhost:${port}`
    const tls = { certificateFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') }
    const settings = { issuer, port, tls, extensions: ['mutual_tls'], mutualTls: { clientCaFile: join(folder, 'clients.pem') } }
    ;({ server } = await startServer({ profile: 'fapi2', ...settings }))
  })
  afterAll(() => server.close())

  const methods: [string, () => Promise<{ metadata: object; certificate: TestCertificate }>][] = [
    [
      'tls_client_auth',
      async () => ({ metadata: { tls_client_auth_subject_dn: 'CN=client,O=Example,C=NZ' }, certificate: await clients.issueClient() })
    ],
    [
      'self_signed_tls_client_auth',
      async () => {
        const certificate = await selfSign()
        return { metadata: { jwks: { keys: [jwkOf(certificate.certificate)] } }, certificate }
      }
    ]
  ]

  test.each(methods)('openid-client with %s, tokens bound to its certificate: the pages, userinfo, refresh', async (method, prepare) => {
    const { metadata, certificate } = await prepare()
    const { client_id } = await server.authorization.clients.create({
      ...{ token_endpoint_auth_method: method, redirect_uris: [REDIRECT_URI], scope: 'openid offline_access' },
      ...{ grant_types: ['authorization_code', 'refresh_token'], ...metadata }
    })
    const connect = (own?: TestCertificate) =>
      oidc.discovery(new URL(issuer), client_id, undefined, oidc.TlsClientAuth(), {
        [oidc.customFetch]: fetchOverTls(hosts.certificate, own) as oidc.CustomFetch
      })
    const config = await connect(certificate)
    expect(config.serverMetadata().tls_client_certificate_bound_access_tokens).toBe(true)
    const { callback, checks } = await authorizeOverTls(hosts.certificate, (asked) => oidc.buildAuthorizationUrlWithPAR(config, asked))
    const tokens = await oidc.authorizationCodeGrant(config, callback, checks)
    const subject = tokens.claims()?.sub ?? ''
    const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
    expect(await oidc.fetchUserInfo(config, refreshed.access_token, subject)).toMatchObject({ sub: subject })
    await expect(oidc.fetchUserInfo(await connect(), refreshed.access_token, subject)).rejects.toMatchObject({ status: 401 })
  })
})

test.each([
  ['5.3.2.1-11: shall issue authorization codes with a maximum lifetime of 60 seconds', { authorizationCodeLifetime: 300 }],
  ['5.3.2.2-1: shall require the value of response_type to be code', { extensions: ['implicit'] }],
  ['5.3.2.2-1: ', { openid: { responseTypes: ['code id_token'] } }],
  ['5.3.2.1-4: shall only issue sender-constrained access tokens', { dpop: { required: false } }],
  ['5.3.2.2-12: ', { pushedAuthorizationRequests: { lifetime: 600 } }]
])('a configuration that contradicts the profile does not start: %s', async (sentence, settings) => {
  await expect(startServer({ profile: 'fapi2', ...settings })).rejects.toThrow(`FAPI 2.0 Security Profile section ${sentence}`)
})
