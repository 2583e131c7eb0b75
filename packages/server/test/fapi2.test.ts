import { exportJWK, generateKeyPair } from 'jose'
import * as oidc from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GrantorServer } from '../src/index.ts'
import { Browser } from './browser.ts'
import { PASSWORD, startServer } from './support.ts'

const REDIRECT_URI = 'https://client.example.com/cb'

describe.each([
  ['fapi2', false],
  ['fapi2-message-signing', true]
])('profile %s at the running server', (profile, isSigned) => {
  let server: GrantorServer
  let issuer: string
  beforeAll(async () => {
    const named = { extensions: ['dpop', 'jarm', 'resource_indicators'], dpop: { nonces: true, required: true } }
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
      end_session_endpoint: `${issuer}/logout`
    })
    await expect(server.authorization.clients.create({ redirect_uris: [REDIRECT_URI] })).rejects.toThrow('section 5.3.2.1-6')
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
