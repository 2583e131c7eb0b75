import * as oauth from 'oauth4webapi'
import * as oidc from 'openid-client'
import { describe, expect, test } from 'vitest'
import type { Fapi2Options } from '../src/presets/index.ts'
import { askedByOpenidClient, FapiFlow, OPENID, signingKey } from './fapi2-support.ts'
import { ISSUER, REDIRECT_URI } from './support.ts'

const AS: oauth.Client = { client_id: 'app' }
const PROFILES: [string, Fapi2Options][] = [
  ['plain OAuth', {}],
  ['OpenID Connect', OPENID],
  ['nonces', { ...OPENID, dpop: { nonces: true } }],
  ['plain OAuth, message signing', { messageSigning: true }],
  ['OpenID Connect, message signing', { ...OPENID, messageSigning: true }]
]

async function open(options: Fapi2Options, alg: string) {
  const { jwk, privateKey } = await signingKey(alg)
  const flow = await FapiFlow.open(options, { signingAlgorithms: [alg] }, { jwks: { keys: [jwk] }, grant_types: GRANTS })
  const clockSkew = flow.test.now - Math.floor(Date.now() / 1000)
  const fetch = (url: string, init: object) => flow.test.fetch(url, init)
  return {
    flow,
    fetch,
    key: { key: privateKey, kid: 'k' },
    clockSkew,
    isOpenId: options.openid !== undefined,
    isSigned: options.messageSigning === true
  }
}

const GRANTS = ['authorization_code', 'refresh_token', 'client_credentials']

describe.each(PROFILES)('private_key_jwt and DPoP, %s', (_, options) => {
  test.each(options === OPENID ? ['ES256', 'PS256', 'EdDSA'] : ['ES256'])('openid-client, %s', async (alg) => {
    const { flow, fetch, key, clockSkew, isOpenId, isSigned } = await open(options, alg)
    const config = await oidc.discovery(new URL(ISSUER), 'app', { [oidc.clockSkew]: clockSkew }, oidc.PrivateKeyJwt(key), {
      [oidc.customFetch]: fetch,
      algorithm: isOpenId ? 'oidc' : 'oauth2'
    })
    if (isSigned) oidc.useJwtResponseMode(config)
    const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair(alg))
    const { asked, checks } = await askedByOpenidClient(isOpenId)
    const signed = isSigned ? (await oidc.buildAuthorizationUrlWithJAR(config, asked, key)).searchParams : asked
    const url = await oidc.buildAuthorizationUrlWithPAR(config, signed, { DPoP })
    expect([...url.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri'])
    const callback = new URL((await flow.test.fetch(url.href)).headers.get('location') ?? '')
    expect([...callback.searchParams.keys()].sort()).toEqual(isSigned ? ['response'] : ['code', 'iss', 'state'])
    const tokens = await oidc.authorizationCodeGrant(config, callback, checks, undefined, { DPoP })
    expect([tokens.token_type, tokens.claims()?.sub]).toEqual(['dpop', isOpenId ? 'alice' : undefined])
    if (isOpenId) expect(await oidc.fetchUserInfo(config, tokens.access_token, 'alice', { DPoP })).toMatchObject({ sub: 'alice' })
    const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '', undefined, { DPoP })
    expect([refreshed.token_type, refreshed.refresh_token]).toEqual(['dpop', undefined])
    expect(await oidc.tokenIntrospection(config, refreshed.access_token)).toMatchObject({ active: true, token_type: 'DPoP' })
    expect(await oidc.clientCredentialsGrant(config, { scope: 'read' }, { DPoP })).toMatchObject({ token_type: 'dpop' })
  })

  test('oauth4webapi', async () => {
    const { flow, fetch, key, clockSkew, isOpenId, isSigned } = await open(options, 'ES256')
    const issuer = new URL(ISSUER)
    const http = { [oauth.customFetch]: fetch }
    const as = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { ...http, algorithm: isOpenId ? 'oidc' : 'oauth2' })
    )
    const client: oauth.Client = { ...AS, [oauth.clockSkew]: clockSkew }
    const authentication = oauth.PrivateKeyJwt(key)
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256', { extractable: true }))
    const [verifier, state, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce()]
    const asked = new URLSearchParams({
      ...{ client_id: 'app', response_type: 'code', redirect_uri: REDIRECT_URI, state, scope: isOpenId ? 'openid read' : 'read' },
      ...(isOpenId && { nonce }),
      ...(isSigned && { response_mode: 'jwt' }),
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256'
    })
    const sent = isSigned
      ? new URLSearchParams({ client_id: 'app', request: await oauth.issueRequestObject(as, client, asked, key) })
      : asked
    /** Again with the nonce of a challenge, as FAPI 2.0 section 5.3.3.1-8 has clients do. */
    const twice = async <T>(attempt: () => Promise<T>): Promise<T> => {
      try {
        return await attempt()
      } catch (error) {
        if (!oauth.isDPoPNonceError(error)) throw error
        return attempt()
      }
    }
    const pushed = await twice(async () =>
      oauth.processPushedAuthorizationResponse(
        as,
        client,
        await oauth.pushedAuthorizationRequest(as, client, authentication, sent, { DPoP, ...http })
      )
    )
    const url = `${as.authorization_endpoint}?${new URLSearchParams({ client_id: 'app', request_uri: pushed.request_uri })}`
    const callback = new URL((await flow.test.fetch(url)).headers.get('location') ?? '')
    const params = isSigned
      ? await oauth.validateJwtAuthResponse(as, client, callback, state, http)
      : oauth.validateAuthResponse(as, client, callback, state)
    const tokens = await twice(async () =>
      oauth.processAuthorizationCodeResponse(
        as,
        client,
        await oauth.authorizationCodeGrantRequest(as, client, authentication, params, REDIRECT_URI, verifier, { DPoP, ...http }),
        isOpenId ? { expectedNonce: nonce, requireIdToken: true } : {}
      )
    )
    expect([tokens.token_type, oauth.getValidatedIdTokenClaims(tokens)?.sub]).toEqual(['dpop', isOpenId ? 'alice' : undefined])
    const introspected = await oauth.introspectionRequest(as, client, authentication, tokens.access_token, {
      ...http,
      requestJwtResponse: isSigned
    })
    expect(introspected.headers.get('content-type')).toBe(isSigned ? 'application/token-introspection+jwt' : 'application/json')
    expect(await oauth.processIntrospectionResponse(as, client, introspected)).toMatchObject({
      active: true,
      cnf: { jkt: await DPoP.calculateThumbprint() }
    })
    if (isSigned) await oauth.validateApplicationLevelSignature(as, introspected, http)
  })
})
