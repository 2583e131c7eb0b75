import { decodeJwt, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { generateKeys } from '../../server/test/certificates.ts'
import {
  AuthorizationServer,
  checkCertificateBinding,
  dpop,
  dynamicRegistration,
  type Extension,
  implicit,
  MemoryStore,
  mutualTls,
  pushedAuthorizationRequests
} from '../src/index.ts'
import { makeProof, newKey } from './dpop-support.ts'
import {
  ask,
  askUserinfo,
  codeParams,
  jwkOf,
  mutualTlsServer,
  newCertificate,
  over,
  personTokens,
  type Tokens,
  thumbprintOf
} from './mutual-tls-support.ts'
import { AUTHORIZATION, basic, expectRedirectError, expectTokenError, ISSUER, REDIRECT_URI, TestServer } from './support.ts'

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const UNBOUND = { tls_client_certificate_bound_access_tokens: false }
const MACHINE = { grant_type: 'client_credentials', scope: 'read' }

describe('tokens that are bound to a certificate', () => {
  test('RFC 8705 §3.1: x5t#S256 is the SHA-256 of the DER encoding of the certificate, in JWT access tokens', async () => {
    const { test, certificate, thumbprint } = await mutualTlsServer({}, {}, { settings: { accessTokenFormat: 'jwt' } })
    const tokens = (await (await ask(test, 'machine', MACHINE, certificate)).json()) as Tokens
    expect(tokens.token_type).toBe('Bearer')
    expect(decodeJwt(tokens.access_token)).toMatchObject({ cnf: { 'x5t#S256': thumbprint } })
  })

  test.each(['opaque', 'jwt'])('RFC 8705 §3.2: introspection of a bound %s token returns cnf', async (accessTokenFormat) => {
    const { test, certificate, thumbprint } = await mutualTlsServer({}, {}, { settings: { accessTokenFormat } })
    const { access_token } = await personTokens(test, 'machine', certificate)
    const response = await over(test, certificate, () => test.post('/introspect', { client_id: 'machine', token: access_token }))
    expect(await response.json()).toMatchObject({ active: true, token_type: 'Bearer', cnf: { 'x5t#S256': thumbprint } })
  })

  test('MT-04 a bound token with another certificate, with none, with the same key in a new certificate: 401 invalid_token', async () => {
    const { test } = await mutualTlsServer()
    const keys = await generateKeys()
    const [own, renewed] = [await newCertificate({ keys }), await newCertificate({ keys })]
    const { access_token } = await personTokens(test, 'spa', own)
    for (const certificate of [await newCertificate(), renewed, { ...renewed, isTrusted: true }, undefined]) {
      const response = await askUserinfo(test, access_token, certificate)
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token", error_description="[^"]+"$/)
      await expectTokenError(response, 401, 'invalid_token')
    }
    const response = await askUserinfo(test, access_token, own)
    expect([response.status, await response.json()]).toEqual([200, { sub: 'alice' }])
  })

  test('MT-04 the token in a form is bound, too', async () => {
    const { test, certificate } = await mutualTlsServer()
    const { access_token } = await personTokens(test, 'machine', certificate)
    await expectTokenError(await test.post('/userinfo', { access_token }), 401, 'invalid_token')
    expect((await over(test, certificate, () => test.post('/userinfo', { access_token }))).status).toBe(200)
  })

  test('an unbound token is a bearer token, with a certificate and without', async () => {
    const { test, certificate } = await mutualTlsServer({}, {}, UNBOUND)
    const { access_token } = await personTokens(test, 'machine', certificate)
    for (const sent of [undefined, certificate, await newCertificate()])
      expect((await askUserinfo(test, access_token, sent)).status).toBe(200)
  })

  test('RFC 8705 §3.4: a client that intends to use bound tokens gets no other', async () => {
    const { test } = await mutualTlsServer()
    const code = await test.code({ client_id: 'spa', scope: 'openid' })
    await expectTokenError(await ask(test, 'spa', codeParams(code)), 400, 'invalid_request')
    expect((await ask(test, 'spa', codeParams(code), await newCertificate())).status).toBe(200)
  })

  test('its intention is enforced at the authorization endpoint, which could not bind what it hands out', async () => {
    const { test } = await mutualTlsServer({}, { extensions: [implicit] })
    const metadata = { grant_types: ['implicit'], response_types: ['token'], tls_client_certificate_bound_access_tokens: true }
    await test.publicClient({ client_id: 'old', ...metadata })
    const params = { client_id: 'old', response_type: 'token', code_challenge: undefined, code_challenge_method: undefined }
    expectRedirectError(await test.authorize(params), 'unauthorized_client')
  })

  test('required: no client gets an unbound token', async () => {
    const { test, certificate, thumbprint } = await mutualTlsServer({ required: true })
    const app = await test.client({ client_id: 'web' })
    await expectTokenError(await test.token(app, MACHINE), 400, 'invalid_request')
    const { access_token } = await (await over(test, certificate, () => test.token(app, MACHINE))).json()
    expect(await test.introspect(app, access_token)).toMatchObject({ cnf: { 'x5t#S256': thumbprint } })
  })

  test('RFC 8705 §4: without mutual-TLS client authentication: a secret, and a certificate that nobody registered', async () => {
    const { test } = await mutualTlsServer()
    const app = await test.client({ client_id: 'web', tls_client_certificate_bound_access_tokens: true })
    const certificate = await newCertificate()
    const { access_token } = await (await over(test, certificate, () => test.token(app, MACHINE))).json()
    expect(await test.introspect(app, access_token)).toMatchObject({ cnf: { 'x5t#S256': await thumbprintOf(certificate) } })
  })
})

describe('refresh tokens', () => {
  const refresh = (refresh_token: string) => ({ grant_type: 'refresh_token', refresh_token })

  test('MT-05 RT-09 RFC 8705 §7.1: that of a public client is bound to its certificate; another one: invalid_grant, and it is not spent', async () => {
    const { test } = await mutualTlsServer()
    const keys = await generateKeys()
    const certificate = await newCertificate({ keys })
    const { refresh_token } = await personTokens(test, 'spa', certificate)
    await expectTokenError(await ask(test, 'spa', refresh(refresh_token), await newCertificate({ keys })), 400, 'invalid_grant')
    await expectTokenError(await ask(test, 'spa', refresh(refresh_token)), 400, 'invalid_request')
    const response = await ask(test, 'spa', refresh(refresh_token), certificate)
    expect(response.status).toBe(200)
    const next = (await response.json()) as Tokens
    expect((await askUserinfo(test, next.access_token, certificate)).status).toBe(200)
    await expectTokenError(await ask(test, 'spa', refresh(next.refresh_token), await newCertificate()), 400, 'invalid_grant')
  })

  test('RFC 8705 §7.1: that of a client that authenticates goes on with a new certificate, to which the next token is bound', async () => {
    const { test, certificate } = await mutualTlsServer()
    const { refresh_token } = await personTokens(test, 'machine', certificate)
    const rotated = await newCertificate()
    await test.server.clients.update('machine', { jwks: { keys: [jwkOf(rotated)] } })
    test.now += 2
    const next = (await (await ask(test, 'machine', refresh(refresh_token), rotated)).json()) as Tokens
    expect((await askUserinfo(test, next.access_token, rotated)).status).toBe(200)
    expect((await askUserinfo(test, next.access_token, certificate)).status).toBe(401)
  })

  test('what began bound never becomes a bearer token, also when the client no longer says that it wants that', async () => {
    const { test, certificate } = await mutualTlsServer()
    const { refresh_token } = await personTokens(test, 'machine', certificate)
    await test.server.clients.update('machine', { tls_client_certificate_bound_access_tokens: false })
    test.now += 2
    await expectTokenError(await ask(test, 'machine', refresh(refresh_token), certificate), 400, 'invalid_grant')
  })
})

describe('with DPoP beside it', () => {
  const both = () => mutualTlsServer({}, { extensions: [dpop()] })

  test.each([
    ['mutualTls first', [mutualTls(), dpop()]],
    ['dpop first', [dpop(), mutualTls()]]
  ])('%s: a request that would bind a token to two keys is refused', async (_, extensions) => {
    const test = new TestServer({ extensions })
    const app = await test.client({ tls_client_certificate_bound_access_tokens: true })
    const proof = await makeProof(await newKey(), test.now)
    const headers = { ...basic('app', app.client_secret ?? ''), dpop: proof }
    await expectTokenError(await over(test, await newCertificate(), () => test.post('/token', MACHINE, headers)), 400, 'invalid_request')
  })

  test('a client that authenticates with a certificate may bind its tokens by DPoP', async () => {
    const { test, certificate } = await mutualTlsServer({}, { extensions: [dpop()] }, UNBOUND)
    const key = await newKey()
    const dpopHeader = { dpop: await makeProof(key, test.now) }
    const response = await over(test, certificate, () => test.post('/token', { client_id: 'machine', ...MACHINE }, dpopHeader))
    expect(await response.json()).toMatchObject({ token_type: 'DPoP' })
  })

  test('a token that is bound in one way is not taken in the other', async () => {
    const { test, certificate } = await both()
    const bound = await personTokens(test, 'machine', certificate)
    const asDpop = await over(test, certificate, () =>
      test.fetch('/userinfo', { headers: { authorization: `DPoP ${bound.access_token}` } })
    )
    await expectTokenError(asDpop, 401, 'invalid_token')
    const app = await test.client({ client_id: 'web', scope: 'openid' })
    const code = await test.code({ client_id: 'web', scope: 'openid' })
    const headers = { ...basic('web', app.client_secret ?? ''), dpop: await makeProof(await newKey(), test.now) }
    const byProof = (await (await test.post('/token', codeParams(code), headers)).json()) as Tokens
    await expectTokenError(await askUserinfo(test, byProof.access_token, certificate), 401, 'invalid_token')
  })

  test('a client that is to bind its tokens to two keys is not registered', async () => {
    const [toCertificate, toKey] = [{ tls_client_certificate_bound_access_tokens: true }, { dpop_bound_access_tokens: true }]
    const cases: [Extension[], object][] = [
      [[mutualTls(), dpop()], { ...toCertificate, ...toKey }],
      [[mutualTls({ required: true }), dpop()], toKey],
      [[dpop({ required: true }), mutualTls()], toCertificate]
    ]
    for (const [extensions, metadata] of cases) {
      const test = new TestServer({ extensions })
      await expect(test.client({ client_id: 'web', ...metadata })).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    }
  })
})

describe('at an API', () => {
  test('MT-04 a token without its certificate, with another, or bound in another way: 401 invalid_token with a challenge', async () => {
    const { der } = await newCertificate()
    const cnf = { 'x5t#S256': await thumbprintOf({ der, isTrusted: false }) }
    await checkCertificateBinding({ cnf }, der)
    await checkCertificateBinding({}, undefined)
    const refused: [object, Uint8Array | undefined, object?][] = [
      [{ cnf }, undefined],
      [{ cnf }, (await newCertificate()).der],
      [{ cnf: { jkt: cnf['x5t#S256'] } }, der],
      [{ cnf: {} }, der],
      [{ cnf: { 'x5t#S256': 7 } }, der],
      [{ cnf: 'x' }, der],
      [{}, der, { required: true }]
    ]
    for (const [claims, certificate, options] of refused) {
      const check = checkCertificateBinding(claims, certificate, options)
      await expect(check).rejects.toMatchObject({
        error: 'invalid_token',
        status: 401,
        headers: { 'www-authenticate': expect.stringMatching(/^Bearer error="invalid_token"/) }
      })
    }
  })
})

describe('metadata', () => {
  test('RFC 8705 §3.3, §2.1.1, §2.2.1: tls_client_certificate_bound_access_tokens and the two methods', async () => {
    const { test } = await mutualTlsServer()
    const metadata = test.server.metadata()
    expect(metadata).toMatchObject({ tls_client_certificate_bound_access_tokens: true })
    expect(metadata).not.toHaveProperty('mtls_endpoint_aliases')
    for (const endpoint of ['token', 'introspection', 'revocation'])
      expect(metadata[`${endpoint}_endpoint_auth_methods_supported`]).toEqual(
        expect.arrayContaining(['tls_client_auth', 'self_signed_tls_client_auth'])
      )
  })

  test('RFC 8705 §5: mtls_endpoint_aliases has the endpoints that a client asks directly, of extensions after it, too', async () => {
    const origin = 'https://mtls.example.com:9443'
    const { test } = await mutualTlsServer(
      { endpointAliases: origin },
      { extensions: [pushedAuthorizationRequests()], paths: { token: '/oauth/token' } }
    )
    expect((await (await test.fetch('/.well-known/openid-configuration')).json()).mtls_endpoint_aliases).toEqual({
      token_endpoint: `${origin}/oauth/token`,
      introspection_endpoint: `${origin}/introspect`,
      revocation_endpoint: `${origin}/revoke`,
      pushed_authorization_request_endpoint: `${origin}/par`,
      userinfo_endpoint: `${origin}/userinfo`
    })
  })

  test('RFC 8705 §5: what a client signs for an endpoint may name its alias: htu of a proof, aud of an assertion', async () => {
    const origin = 'https://mtls.example.com:9443'
    const { test, certificate } = await mutualTlsServer({ endpointAliases: origin }, { extensions: [dpop()] }, UNBOUND)
    const key = await newKey()
    const statusFor = async (htu: string) => {
      const headers = { dpop: await makeProof(key, test.now, { claims: { htu } }) }
      return (await over(test, certificate, () => test.post('/token', { client_id: 'machine', ...MACHINE }, headers))).status
    }
    expect([await statusFor(`${origin}/token`), await statusFor(`${ISSUER}/token`)]).toEqual([200, 200])
    expect([await statusFor(`${origin}/introspect`), await statusFor('https://mtls.example.com/token')]).toEqual([400, 400])

    const settings = { assertionAudience: 'token_endpoint' } as const
    await test.client({ client_id: 'signer', token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.jwk] }, settings })
    const authenticate = async (aud: string) => {
      const client_assertion = await new SignJWT({ iss: 'signer', sub: 'signer', aud, jti: crypto.randomUUID(), exp: test.now + 60 })
        .setProtectedHeader({ alg: 'ES256' })
        .sign(key.privateKey)
      return (await test.post('/token', { ...MACHINE, client_assertion_type: ASSERTION, client_assertion })).status
    }
    expect([await authenticate(`${origin}/token`), await authenticate(`${ISSUER}/token`), await authenticate(ISSUER)]).toEqual([
      200, 200, 200
    ])
    expect([await authenticate(origin), await authenticate('https://other.example.com/token')]).toEqual([401, 401])
  })

  test('not passed, not there: no metadata, no methods, no binding, no members of clients', async () => {
    const test = new TestServer()
    const app = await test.client()
    expect(JSON.stringify(test.server.metadata())).not.toMatch(/tls/i)
    const certificate = await newCertificate()
    const { access_token } = await (await over(test, certificate, () => test.token(app, MACHINE))).json()
    expect(await test.introspect(app, access_token)).not.toHaveProperty('cnf')
    for (const metadata of [
      { token_endpoint_auth_method: 'tls_client_auth' },
      { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys: [jwkOf(certificate)] } },
      { tls_client_certificate_bound_access_tokens: true },
      { tls_client_auth_subject_dn: 'CN=a' }
    ])
      await expect(test.client({ client_id: 'other', ...metadata })).rejects.toMatchObject({ error: 'invalid_client_metadata' })
  })

  test.each([
    [{ endpointAliases: 'http://mtls.example.com' }, /endpointAliases/],
    [{ endpointAliases: 'https://mtls.example.com/' }, /endpointAliases/],
    [{ endpointAliases: 'https://mtls.example.com/mtls' }, /endpointAliases/],
    [{ required: 'yes' as unknown as boolean }, /required/],
    [{ endpointAlias: 'https://mtls.example.com' } as object, /did you mean endpointAliases/]
  ])('options that cannot work are refused when the server is built: %j', (options, message) => {
    expect(() => new AuthorizationServer({ issuer: ISSUER, store: new MemoryStore(), extensions: [mutualTls(options)] })).toThrow(message)
  })

  test('RFC 7591 §2: a client may register itself with a certificate, and push a request with it', async () => {
    const extensions = [pushedAuthorizationRequests(), dynamicRegistration({ access: 'open', allow: { scopes: ['openid'] } })]
    const { test, certificate } = await mutualTlsServer({}, { extensions })
    const metadata = {
      redirect_uris: [REDIRECT_URI],
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: 'CN=client,O=Example,C=NZ',
      tls_client_certificate_bound_access_tokens: true
    }
    const body = JSON.stringify(metadata)
    const response = await test.fetch('/register', { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    const registered = await response.json()
    expect(registered).toMatchObject(metadata)
    expect(registered).not.toHaveProperty('client_secret')
    const request = { ...AUTHORIZATION, client_id: registered.client_id, scope: 'openid' }
    await expectTokenError(await over(test, certificate, () => test.post('/par', request)), 401, 'invalid_client')
    expect((await over(test, { ...certificate, isTrusted: true }, () => test.post('/par', request))).status).toBe(201)
  })
})
