import { createHash } from 'node:crypto'
import * as jose from 'jose'
import { describe, expect, test } from 'vitest'
import { ConfigurationError, openid } from '../src/index.ts'
import { ALICE, AUTHENTICATION, openIdServer, PAIRWISE_KEY, SCOPE, userinfo, verifyIdToken } from './openid-support.ts'
import { expectRedirectError, expectTokenError, ISSUER, REDIRECT_URI, START, TestServer } from './support.ts'

type Prepared = Awaited<ReturnType<typeof openIdServer>>

/** Signs in and redeems: the token response. */
async function signIn({ test, client }: Prepared, params: Record<string, string | undefined> = {}, by = client) {
  const code = await test.code({ ...AUTHENTICATION, client_id: by.client_id, ...params })
  const response = await test.redeem(by, code)
  expect(response.status).toBe(200)
  return response.json()
}

const half = (value: string, hash = 'sha256') => {
  const digest = createHash(hash).update(value).digest()
  return digest.subarray(0, digest.length / 2).toString('base64url')
}

describe('the ID token', () => {
  test('JW-04 says who signed in, when, by what means, for whom and until when', async () => {
    const provider = await openIdServer()
    provider.test.session = { id: 's1', subject: 'alice', authTime: START - 10, acr: 'urn:pwd', amr: ['pwd'] }
    const { id_token, access_token } = await signIn(provider)
    const { payload, protectedHeader } = await verifyIdToken(provider.test, id_token)
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: expect.any(String) })
    expect(payload).toEqual({
      iss: ISSUER,
      sub: 'alice',
      aud: 'app',
      exp: START + 3600,
      iat: START,
      auth_time: START - 10,
      nonce: AUTHENTICATION.nonce,
      acr: 'urn:pwd',
      amr: ['pwd'],
      sid: 's1',
      at_hash: half(access_token)
    })
  })

  test.each([
    ['ES256', 'sha256'],
    ['PS256', 'sha256'],
    ['EdDSA', 'sha512']
  ])('JW-04 is signed with %s for a client that registered it, and at_hash follows', async (alg, hash) => {
    const provider = await openIdServer({}, { signingAlgorithms: ['ES256', 'PS256', 'EdDSA'] })
    const client = await provider.test.client({ client_id: 'other', scope: SCOPE, id_token_signed_response_alg: alg })
    const { id_token, access_token } = await signIn(provider, {}, client)
    const { payload, protectedHeader } = await verifyIdToken(provider.test, id_token, 'other')
    expect([protectedHeader.alg, payload.at_hash]).toEqual([alg, half(access_token, hash)])
  })

  test('JW-04 at_hash has the size that the signature of an external signer calls for', async () => {
    const { publicKey, privateKey } = await jose.generateKeyPair('ES384')
    const sign = async (data: string) => {
      const bytes = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-384' }, privateKey, new TextEncoder().encode(data))
      return Buffer.from(bytes).toString('base64url')
    }
    const signer = { kid: 'hsm', alg: 'ES384', publicJwk: (await jose.exportJWK(publicKey)) as JsonWebKey, sign }
    const provider = await openIdServer({}, { signers: [signer] })
    const client = await provider.test.client({ client_id: 'other', scope: SCOPE, id_token_signed_response_alg: 'ES384' })
    const { id_token, access_token } = await signIn(provider, {}, client)
    const { payload } = await verifyIdToken(provider.test, id_token, 'other')
    expect(payload['at_hash']).toBe(half(access_token, 'sha384'))
  })

  test('JW-06 never outlives the key that verifies it', () => {
    const claims = async () => ({})
    for (const idTokenLifetime of [3601, 0, -1, 1.5, Number.NaN]) {
      const extensions = [openid({ claims, idTokenLifetime })]
      const build = () => new TestServer({ extensions, signingKeyLifetime: 3600, signingKeyLead: 600, accessTokenLifetime: 600 })
      expect(build).toThrow(/idTokenLifetime is a whole number of seconds from 1 to 3600/)
    }
  })

  test('is there only if openid was asked for and granted', async () => {
    const provider = await openIdServer()
    expect(await signIn(provider, { scope: 'read' })).not.toHaveProperty('id_token')
    expect(await signIn(provider, { nonce: undefined })).toHaveProperty('id_token')
  })

  test('AP-07 RT-15 of a refresh is about the same sign-in and has no nonce (OpenID Connect Core §12.2)', async () => {
    const provider = await openIdServer()
    const { test, client } = provider
    const first = await signIn(provider)
    test.now += 100
    test.session = { id: 's2', subject: 'alice', authTime: START + 90 }
    const second = await (await test.token(client, { grant_type: 'refresh_token', refresh_token: first.refresh_token })).json()
    const { payload: before } = await verifyIdToken(test, first.id_token)
    const { payload: after } = await verifyIdToken(test, second.id_token)
    const { nonce: _, ...same } = before
    expect(after).toEqual({ ...same, iat: START + 100, exp: START + 3700, at_hash: half(second.access_token) })
  })

  test('has the claims that were asked for in it, and those of the scope only by the client’s switch', async () => {
    const provider = await openIdServer()
    const claims = JSON.stringify({ id_token: { email: { essential: true }, groups: null, unknown: null } })
    const { payload } = await verifyIdToken(provider.test, (await signIn(provider, { scope: 'openid profile', claims })).id_token)
    expect(payload).toMatchObject({ email: ALICE.email, groups: ['staff'] })
    expect(payload).not.toHaveProperty('name')
    const client = await provider.test.client({ client_id: 'simple', scope: SCOPE, scope_claims_in_id_token: true })
    const simple = await verifyIdToken(provider.test, (await signIn(provider, { scope: 'openid profile' }, client)).id_token, 'simple')
    expect(simple.payload).toMatchObject({
      name: ALICE.name,
      'name#ja': ALICE['name#ja'],
      sub: 'alice',
      iss: ISSUER,
      nonce: AUTHENTICATION.nonce
    })
    expect(simple.payload).not.toHaveProperty('email')
  })

  test.each([
    ['RSA-OAEP-256', 'A128CBC-HS256'],
    ['RSA-OAEP-256', 'A256GCM'],
    ['ECDH-ES', 'A128CBC-HS256'],
    ['ECDH-ES', 'A256GCM']
  ])('is encrypted to the client with %s and %s, userinfo too', async (alg, enc) => {
    const provider = await openIdServer()
    const { privateKey, publicKey } = await jose.generateKeyPair(alg, { extractable: true })
    const jwks = { keys: [{ ...(await jose.exportJWK(publicKey)), kid: 'e', use: 'enc' } as JsonWebKey] }
    const encryption = { id_token_encrypted_response_alg: alg, id_token_encrypted_response_enc: enc }
    const forUserinfo = {
      userinfo_encrypted_response_alg: alg,
      userinfo_encrypted_response_enc: enc,
      userinfo_signed_response_alg: 'ES256'
    }
    const client = await provider.test.client({ client_id: 'secret', scope: SCOPE, jwks, ...encryption, ...forUserinfo })
    const { id_token, access_token } = await signIn(provider, { scope: 'openid email' }, client)
    const open = async (jwe: string) => {
      const { plaintext, protectedHeader } = await jose.compactDecrypt(jwe, privateKey)
      expect(protectedHeader).toMatchObject({ alg, enc, cty: 'JWT', kid: 'e' })
      return (await verifyIdToken(provider.test, new TextDecoder().decode(plaintext), 'secret')).payload
    }
    expect(await open(id_token)).toMatchObject({ sub: 'alice', nonce: AUTHENTICATION.nonce })
    const response = await provider.test.fetch('/userinfo', { headers: { authorization: `Bearer ${access_token}` } })
    expect(response.headers.get('content-type')).toBe('application/jwt')
    expect(await open(await response.text())).toEqual({
      sub: 'alice',
      email: ALICE.email,
      email_verified: true,
      iss: ISSUER,
      aud: 'secret'
    })
  })

  test('JW-14 for a client without a fitting key nothing goes out in clear', async () => {
    const provider = await openIdServer()
    const { publicKey } = await jose.generateKeyPair('ES256', { extractable: true })
    const jwks = { keys: [{ ...(await jose.exportJWK(publicKey)), use: 'sig' } as JsonWebKey] }
    const client = await provider.test.client({ client_id: 'x', scope: SCOPE, jwks, id_token_encrypted_response_alg: 'RSA-OAEP-256' })
    const response = await provider.test.redeem(client, await provider.test.code({ ...AUTHENTICATION, client_id: 'x' }))
    await expectTokenError(response, 500, 'server_error')
  })
})

describe('pairwise subjects', () => {
  const pairwise = { subject_type: 'pairwise', scope: SCOPE } as const

  test('SI-02 are the same in one sector, unlinkable between two, and equal in ID token and userinfo', async () => {
    const provider = await openIdServer({ pairwiseKey: PAIRWISE_KEY })
    const subjects: unknown[] = []
    for (const [client_id, host] of [
      ['a', 'one'],
      ['b', 'one'],
      ['c', 'two']
    ] as const) {
      const redirect_uri = `https://${host}.example.com/cb`
      const client = await provider.test.client({ client_id, ...pairwise, redirect_uris: [redirect_uri] })
      const code = await provider.test.code({ ...AUTHENTICATION, client_id, redirect_uri })
      const { id_token, access_token } = await (await provider.test.redeem(client, code, { redirect_uri })).json()
      const { payload } = await verifyIdToken(provider.test, id_token, client_id)
      expect((await userinfo(provider.test, access_token)).sub).toBe(payload.sub)
      subjects.push(payload.sub)
    }
    const [a, b, c] = subjects
    expect(a).toBe(b)
    expect(a).not.toBe(c)
    expect(a).toMatch(/^[\w-]{43}$/)
  })

  test('SI-02 the sector is the host, without its port (Core §8.1)', async () => {
    const { test } = await openIdServer({ pairwiseKey: PAIRWISE_KEY })
    const subject = async (client_id: string, ...redirect_uris: string[]) =>
      test.server.subjectFor(await test.client({ client_id, ...pairwise, redirect_uris }), 'alice')
    const sub = await subject('a', 'https://one.example.com/cb')
    expect(await subject('b', 'https://one.example.com:8443/cb', 'https://one.example.com/cb')).toBe(sub)
    expect(await subject('c', 'https://two.example.com/cb')).not.toBe(sub)
  })

  test.each([['http://127.0.0.1/cb'], ['http://localhost/cb'], ['com.example.app:/cb']])(
    'SI-02 native applications have no host of their own: %s needs a sector_identifier_uri',
    async (uri) => {
      const outbound = async () => ({ status: 200, headers: new Headers(), contentType: 'application/json', body: JSON.stringify([uri]) })
      const { test } = await openIdServer({ pairwiseKey: PAIRWISE_KEY }, { outbound })
      const native = { client_id: 'native', ...pairwise, application_type: 'native', redirect_uris: [uri] } as const
      await expect(test.client(native)).rejects.toMatchObject({ error: 'invalid_client_metadata' })
      await test.client({ ...native, sector_identifier_uri: 'https://app.example.com/redirect-uris.json' })
    }
  )

  test('need a key of at least 32 characters, and are not there without one', async () => {
    const { test } = await openIdServer()
    await expect(test.client({ client_id: 'p', ...pairwise })).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    expect(() => new TestServer({ extensions: [openid({ claims: async () => ({}), pairwiseKey: 'short' })] })).toThrow(ConfigurationError)
  })

  test.each([
    ['lists every redirect URI', [REDIRECT_URI, 'https://other.example/cb'], true],
    ['lacks one', [REDIRECT_URI], false],
    ['is no list', { uris: [] }, false],
    ['has an entry that is no string', [REDIRECT_URI, 'https://other.example/cb', 1], false]
  ])('SI-01 sector_identifier_uri that %s', async (_, document, accepted) => {
    const outbound = async ({ url }: { url: string }) => ({
      status: url === 'https://sector.example/uris' ? 200 : 404,
      headers: new Headers(),
      contentType: 'application/json',
      body: JSON.stringify(document)
    })
    const { test } = await openIdServer({ pairwiseKey: PAIRWISE_KEY }, { outbound })
    const redirect_uris = [REDIRECT_URI, 'https://other.example/cb']
    await expect(test.client({ client_id: 'many', ...pairwise, redirect_uris })).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    const registration = test.client({
      client_id: 'sector',
      ...pairwise,
      redirect_uris,
      sector_identifier_uri: 'https://sector.example/uris'
    })
    if (accepted) expect(await registration).toMatchObject({ client_id: 'sector' })
    else await expect(registration).rejects.toMatchObject({ error: 'invalid_client_metadata' })
  })
})

describe('response types through the browser', () => {
  const responseTypes = ['id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token'] as const
  const bothGrants = { grant_types: ['authorization_code', 'implicit', 'refresh_token'], response_types: [...responseTypes], scope: SCOPE }

  async function hybrid() {
    const provider = await openIdServer({ responseTypes })
    const client = await provider.test.client({ client_id: 'hybrid', ...bothGrants })
    const authorize = async (params: Record<string, string | undefined>) => {
      const response = await provider.test.authorize({ ...AUTHENTICATION, client_id: 'hybrid', scope: 'openid email', ...params })
      return { response, params: new URLSearchParams(new URL(response.headers.get('location') ?? 'about:blank').hash.slice(1)) }
    }
    return { ...provider, client, authorize }
  }

  test.each(responseTypes)('%s returns just that, in the fragment, with the hashes that tie it together', async (response_type) => {
    const { test, client, authorize } = await hybrid()
    const { params } = await authorize({ response_type: response_type.split(' ').reverse().join(' ') })
    const words = response_type.split(' ')
    expect([params.has('code'), params.has('access_token'), params.has('id_token')]).toEqual(
      ['code', 'token', 'id_token'].map((word) => words.includes(word))
    )
    expect([params.get('state'), params.get('iss')]).toEqual(['xyz', ISSUER])
    const front = words.includes('id_token') ? (await verifyIdToken(test, params.get('id_token') ?? '', 'hybrid')).payload : undefined
    if (front) {
      expect(front.c_hash).toBe(words.includes('code') ? half(params.get('code') ?? '') : undefined)
      expect(front.at_hash).toBe(words.includes('token') ? half(params.get('access_token') ?? '') : undefined)
      // OpenID Connect Core §5.4: without an access token the claims of the scope are here.
      expect(front.email).toBe(response_type === 'id_token' ? ALICE.email : undefined)
    }
    if (words.includes('token')) expect((await userinfo(test, params.get('access_token') ?? '')).email).toBe(ALICE.email)
    if (words.includes('code')) {
      const { id_token } = await (await test.redeem(client, params.get('code') ?? '')).json()
      const { payload } = await verifyIdToken(test, id_token, 'hybrid')
      expect([payload.iss, payload.sub, payload.nonce]).toEqual([ISSUER, 'alice', AUTHENTICATION.nonce])
    }
  })

  test('AP-07 nonce: REQUIRED where an ID token comes through the browser', async () => {
    const { authorize } = await hybrid()
    for (const response_type of responseTypes) {
      const { response, params } = await authorize({ response_type, nonce: undefined })
      if (response_type.includes('id_token')) expectRedirectError(response, 'invalid_request')
      else expect(params.has('code')).toBe(true)
    }
  })

  test('AP-03 response_mode=query is refused, and the refusal comes in the fragment', async () => {
    const { authorize } = await hybrid()
    const { response, params } = await authorize({ response_type: 'code id_token', response_mode: 'query' })
    expectRedirectError(response, 'invalid_request')
    expect(params.get('error')).toBe('invalid_request')
  })

  test('AP-02 a code-only provider does not know them', async () => {
    const { test } = await openIdServer()
    await expect(test.client({ client_id: 'hybrid', ...bothGrants })).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    for (const response_type of responseTypes)
      expectRedirectError(await test.authorize({ ...AUTHENTICATION, response_type }), 'unsupported_response_type')
    const metadata = await (await test.fetch('/.well-known/openid-configuration')).json()
    expect(metadata.response_types_supported).toEqual(['code', 'none'])
    expect(metadata.grant_types_supported).not.toContain('implicit')
  })
})

describe('not passed, not there', () => {
  test('openid is just a scope, and nothing of it is served or advertised', async () => {
    const test = new TestServer()
    const client = await test.client({ scope: 'openid read' })
    const tokens = await (await test.redeem(client, await test.code(AUTHENTICATION))).json()
    expect(tokens).not.toHaveProperty('id_token')
    for (const path of ['/userinfo', '/.well-known/openid-configuration']) expect((await test.fetch(path)).status).toBe(404)
    const metadata = await (await test.fetch('/.well-known/oauth-authorization-server')).json()
    expect(Object.keys(metadata).filter((name) => /id_token|userinfo|claims|subject/.test(name))).toEqual([])
    await expect(test.client({ client_id: 'x', id_token_signed_response_alg: 'ES256' })).rejects.toMatchObject({
      error: 'invalid_client_metadata'
    })
  })
})
