import { describe, expect, test } from 'vitest'
import {
  AuthorizationServer,
  type AuthorizationServerOptions,
  type ClientCredentialsGrantType,
  clientSecretJwt,
  dpop,
  dynamicRegistration,
  implicit,
  MemoryStore,
  type NewClient,
  passwordGrant,
  type RequestObjectOptions
} from '../src/index.ts'
import { type Fapi2Options, fapi2, oauth21 } from '../src/presets/index.ts'
import { FapiFlow, fapiClient, OPENID, signingKey } from './fapi2-support.ts'
import { expectTokenError, ISSUER, REDIRECT_URI, TestServer } from './support.ts'

const SP = 'FAPI 2.0 Security Profile section '
const store = () => new MemoryStore()
const build = (options: Fapi2Options, server: Partial<AuthorizationServerOptions> = {}) => new TestServer({ ...fapi2(options), ...server })

describe('a server that contradicts the profile is not built, and told the sentence', () => {
  test.each<[string, Partial<AuthorizationServerOptions>]>([
    ['5.2.1-1: shall only offer TLS protected endpoints', { insecureIssuer: true, issuer: 'http://id.internal' }],
    ['5.3.2.1-8: shall only accept its issuer identifier value as a string', { assertionAudience: 'token_endpoint' }],
    ['5.3.2.1-9: shall not use refresh token rotation', { refreshTokenRotation: 'always' }],
    ['5.3.2.1-11: shall issue authorization codes with a maximum lifetime of 60 seconds', { authorizationCodeLifetime: 61 }],
    ['5.3.2.1-13: shall accept JWTs with an iat or nbf timestamp between 0 and 10 seconds in the future', { clockSkew: 9 }],
    ['5.3.2.1-13: ', { clockSkew: 61 }],
    ['5.3.2.2-5: shall require PKCE', { requirePkce: false }],
    ['5.3.2.2-6: shall require the redirect_uri parameter', { allowOmittedRedirectUri: true }],
    ['5.4.1-1: when creating or processing JWTs shall use PS256, ES256, or EdDSA', { signingAlgorithms: ['RS256'] }],
    ['5.4.1-1: ', { allowedAlgorithms: ['ES256', 'ES384'] }],
    ['5.4.1-1: ', { allowedAlgorithms: undefined }],
    ['5.3.2.2-5: ', { resources: [{ identifier: 'https://api.example.com', settings: { requirePkce: false } }] }]
  ])('setting: %s %j', (sentence, settings) => {
    expect(() => build({}, settings)).toThrow(`fapi2: ${SP}${sentence}`)
  })

  test.each<[string, Fapi2Options]>([
    [
      '5.3.2.1-2: shall reject requests using the resource owner password',
      { extensions: [passwordGrant({ authenticate: async () => undefined })] }
    ],
    ['5.3.2.2-1: shall require the value of response_type to be code', { extensions: [implicit] }],
    ['5.3.2.2-1: ', { openid: { claims: async () => ({}), responseTypes: ['code id_token'] } }]
  ])('extension: %s', (sentence, options) => {
    expect(() => build(options)).toThrow(`fapi2: ${SP}${sentence}`)
  })

  test.each<[string, Fapi2Options | object]>([
    ['5.3.2.1-4: shall only issue sender-constrained access tokens', { dpop: { required: false } }],
    ['5.3.2.2-3: shall reject authorization requests sent without PAR', { pushedAuthorizationRequests: { required: false } }],
    [
      '5.3.2.2-12: shall issue pushed authorization requests request_uri with expires_in',
      { pushedAuthorizationRequests: { lifetime: 600 } }
    ],
    ['5.4.1-1: ', { dpop: { algorithms: ['ES256', 'RS256'] } }]
  ])('option: %s', (sentence, options) => {
    expect(() => fapi2(options)).toThrow(`fapi2: ${SP}${sentence}`)
  })

  test.each<[string, RequestObjectOptions]>([
    ['Message Signing section 5.3.1-1: shall support, require use of, and verify signed request objects', { required: false }],
    ['Message Signing section 5.3.1-4: shall require the request object to contain an exp claim', { maxLifetime: 3601 }],
    ['Security Profile section 5.3.2.2-3: shall reject authorization requests sent without PAR', { byReference: true }]
  ])('option of message signing: %s', (sentence, requestObjects) => {
    expect(() => fapi2({ messageSigning: true, requestObjects })).toThrow(`fapi2: FAPI 2.0 ${sentence}`)
    expect(() => fapi2({ requestObjects })).toThrow('requestObjects are for messageSigning')
  })

  test('a way to authenticate that the profile has not, an extension that the preset has, an unknown option', () => {
    expect(() => build({ extensions: [clientSecretJwt] })).toThrow('client_secret_jwt: allowedAlgorithms has none of HS256')
    const basic = (server: ConstructorParameters<typeof ClientCredentialsGrantType>[0]) => ({
      clientAuthentications: [Object.assign(Object.create(null), { method: 'client_secret_basic', algorithms: [], server })]
    })
    expect(() => build({ extensions: [basic] })).toThrow(`${SP}5.3.2.1-6: shall authenticate clients using MTLS or private_key_jwt`)
    expect(() => build({ extensions: [dpop()] })).toThrow('the token scheme dpop is contributed twice')
    expect(() => fapi2({ par: {} } as object)).toThrow('fapi2: there is no par')
    const signer = { alg: 'RS256', kid: 'k', publicJwk: {}, sign: async () => '' }
    expect(() => build({}, { signers: [signer] })).toThrow('allowedAlgorithms has no RS256, which this server is to sign with')
  })

  test('extensions that were written after the preset, and took its own away', () => {
    const sentence = 'profile: no extension holds this server to fapi2; extensions of your own go into the preset'
    expect(() => build({}, { extensions: [dpop()] })).toThrow(sentence)
    expect(() => new TestServer({ profile: 'fapi3' })).toThrow('no extension holds this server to fapi3')
  })

  test('what the profile leaves open may be chosen', () => {
    const options: Fapi2Options = {
      ...OPENID,
      messageSigning: true,
      dpop: { nonces: true },
      pushedAuthorizationRequests: { lifetime: 599 },
      requestObjects: { encrypted: true, maxLifetime: 600 },
      extensions: [dynamicRegistration({ access: 'open' })]
    }
    expect(() => build(options, { authorizationCodeLifetime: 30, signingAlgorithms: ['PS256', 'EdDSA'], clockSkew: 10 })).not.toThrow()
  })
})

describe('a client that contradicts the profile', () => {
  const wrong: [string, NewClient][] = [
    ['5.3.2.1-3: shall only support confidential clients', { token_endpoint_auth_method: 'none' }],
    ['5.3.2.1-4: shall only issue sender-constrained access tokens', { dpop_bound_access_tokens: false }],
    ['5.3.2.1-6: shall authenticate clients using MTLS or private_key_jwt', { token_endpoint_auth_method: 'client_secret_basic' }],
    ['5.3.2.1-6: ', { token_endpoint_auth_method: 'client_secret_post' }],
    ['5.3.2.1-6: ', { token_endpoint_auth_method: undefined } as object],
    ['5.3.2.1-2: ', { grant_types: ['password'], response_types: [] }],
    ['5.3.2.2-1: ', { response_types: ['code', 'none'] }],
    ['5.3.2.2-1: ', { response_types: ['token'], grant_types: ['implicit'] }],
    ['5.3.2.2-5: shall require PKCE with S256', { code_challenge_method: 'plain' }],
    ['5.3.2.2-8: shall not allow redirect URIs that use the http scheme', { redirect_uris: ['http://localhost:3000/cb'] }],
    ['5.3.2.1-8: ', { settings: { assertionAudience: 'token_endpoint' } }],
    ['5.3.2.1-9: ', { settings: { refreshTokenRotation: 'always' } }],
    ['5.3.2.1-11: ', { settings: { authorizationCodeLifetime: 300 } }],
    ['5.3.2.2-5: ', { settings: { requirePkce: false } }],
    ['5.4.1-1: ', { token_endpoint_auth_signing_alg: 'RS256' }]
  ]

  test.each(wrong)('is not registered, and told the sentence: %s %j', async (sentence, metadata) => {
    const { server } = build(OPENID)
    const refusal = { error: 'invalid_client_metadata', message: expect.stringContaining(SP + sentence) }
    const client = { redirect_uris: [REDIRECT_URI], ...(await fapiClient(metadata)) }
    await expect(server.clients.create(client)).rejects.toMatchObject(refusal)
    const { client_id } = await server.clients.create({ ...(await fapiClient()), redirect_uris: [REDIRECT_URI] })
    await expect(server.clients.update(client_id, metadata)).rejects.toMatchObject(refusal)
  })

  test('is not registered to sign with another algorithm, whatever for', async () => {
    const { server } = build({ ...OPENID, messageSigning: true })
    for (const member of ['request_object_signing_alg', 'id_token_signed_response_alg', 'authorization_signed_response_alg'])
      await expect(server.clients.create(await fapiClient({ [member]: 'RS256' }))).rejects.toMatchObject({
        error: 'invalid_client_metadata',
        message: expect.stringMatching(new RegExp(`^${member} is one of .*ES256`))
      })
    await expect(server.clients.create(await fapiClient({ response_modes: ['query'] }))).rejects.toMatchObject({
      message: expect.stringContaining(
        'FAPI 2.0 Message Signing section 5.4.1-1: shall support, require use of, and issue signed authorization responses'
      )
    })
  })

  test.each([
    ['code_challenge_method', { code_challenge_method: 'plain' as const }],
    ['settings', { settings: { authorizationCodeLifetime: 300 } }],
    ['token_endpoint_auth_signing_alg', { token_endpoint_auth_signing_alg: 'ES384' }]
  ])('gets nothing, if it was registered before the profile came: %s', async (_, metadata) => {
    const shared = store()
    const before = new AuthorizationServer({ ...oauth21(), issuer: ISSUER, store: shared })
    const key = await signingKey('token_endpoint_auth_signing_alg' in metadata ? 'ES384' : 'ES256')
    const client = await fapiClient({ ...metadata, client_id: 'old', grant_types: ['client_credentials'], response_types: [] }, key)
    await before.clients.create(client)
    const flow = await FapiFlow.open({}, { store: shared })
    flow.clientId = 'old'
    const response = await flow.token({ grant_type: 'client_credentials' }, undefined, await flow.assertion({}, {}, key))
    expect((await response.json()).error).toBe(key.alg === 'ES384' ? 'invalid_client' : 'unauthorized_client')
  })

  test('as a public one, or with a secret, does not authenticate, if it was registered before', async () => {
    const shared = store()
    const before = new TestServer({ ...oauth21(), store: shared })
    const [client] = [await before.client(), await before.publicClient()]
    const { test } = await FapiFlow.open({}, { store: shared }, { client_id: 'new' })
    await expectTokenError(await test.token(client, { grant_type: 'client_credentials' }), 401, 'invalid_client')
    await expectTokenError(await test.token({ client_id: 'spa' }, { grant_type: 'client_credentials' }), 401, 'invalid_client')
    await expectTokenError(await test.post('/par', { client_id: 'spa' }), 401, 'invalid_client')
  })

  test('a native one may have http on the loopback interface (RFC 8252 section 7.3)', async () => {
    const { server } = build({})
    const native = { application_type: 'native' as const, redirect_uris: ['http://127.0.0.1/cb', 'com.example.app:/cb'] }
    expect(await server.clients.create(await fapiClient(native))).toMatchObject(native)
  })

  test('is refused at dynamic registration in the same words', async () => {
    const test = build({ extensions: [dynamicRegistration({ access: 'open' })] })
    const body = JSON.stringify({ redirect_uris: [REDIRECT_URI] })
    const response = await test.fetch('/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: 'invalid_client_metadata', error_description: `${SP}5.3.2.1-6: shall authenticate clients using MTLS or private_key_jwt` }
    ])
  })
})
