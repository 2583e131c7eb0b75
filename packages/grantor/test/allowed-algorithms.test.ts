import { decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import {
  clientSecretJwt,
  DpopResourceChecker,
  dpop,
  dynamicRegistration,
  jarm,
  jwtBearer,
  jwtIntrospection,
  requestObjects
} from '../src/index.ts'
import { ask, makeProof, newKey } from './dpop-support.ts'
import { AUTHENTICATION, openIdServer } from './openid-support.ts'
import { AUTHORIZATION, expectTokenError, ISSUER, TestServer } from './support.ts'

async function key(alg: string) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid: alg } as JsonWebKey }
}

const [es256, rs256] = [await key('ES256'), await key('RS256')]
const jwks = { keys: [es256.jwk, rs256.jwk] }
type Key = typeof es256
const sign = ({ alg, privateKey }: Key, claims: object) => new SignJWT({ ...claims }).setProtectedHeader({ alg, kid: alg }).sign(privateKey)

describe('allowedAlgorithms', () => {
  test('are all that are known, where nothing is said: RS256 for clients that register none', async () => {
    const { test, client } = await openIdServer({}, { extensions: [jarm, jwtIntrospection, requestObjects(), dpop()] })
    const { id_token } = await (await test.redeem(client, await test.code(AUTHENTICATION))).json()
    expect(decodeProtectedHeader(id_token).alg).toBe('RS256')
    expect(test.server.metadata()['token_endpoint_auth_signing_alg_values_supported']).toContain('RS512')
  })

  test('without RS256, what clients get that register none is signed with the first of the server, and there is no key for RS256', async () => {
    const allowedAlgorithms = ['ES256', 'EdDSA']
    const extensions = [jarm, jwtIntrospection, requestObjects(), dpop()]
    const { test, client } = await openIdServer({}, { allowedAlgorithms, signingAlgorithms: ['EdDSA', 'ES256'], extensions })
    const { id_token, access_token } = await (await test.redeem(client, await test.code(AUTHENTICATION))).json()
    const { headers } = await test.authorize({ response_mode: 'jwt' })
    const jwt = new URL(headers.get('location') ?? '').searchParams.get('response') ?? ''
    const authorization = `Basic ${btoa(`app:${client.client_secret}`)}`
    const introspected = await test.post(
      '/introspect',
      { token: access_token },
      { authorization, accept: 'application/token-introspection+jwt' }
    )
    for (const signed of [id_token, jwt, await introspected.text()]) expect(decodeProtectedHeader(signed).alg).toBe('EdDSA')
    const metadata = test.server.metadata()
    const signing = Object.entries(metadata).filter(([name]) => /sign\w*_alg_values_supported$/.test(name))
    expect(signing).toHaveLength(9)
    for (const [name, values] of signing) expect([name, values]).toEqual([name, expect.not.arrayContaining(['RS256'])])
    const { keys } = await (await test.fetch('/jwks')).json()
    expect(keys.map(({ alg }: { alg: string }) => alg)).not.toContain('RS256')
    await expect(test.client({ client_id: 'x', id_token_signed_response_alg: 'RS256' })).rejects.toThrow('one of EdDSA, ES256')
  })

  test('hold for assertions, request objects, proofs, and software statements of others', async () => {
    const softwareStatements = [{ issuer: 'https://trust.example.com', jwks }]
    const test = new TestServer({
      allowedAlgorithms: ['ES256'],
      extensions: [requestObjects(), dpop(), dynamicRegistration({ access: 'open', softwareStatements })]
    })
    const client = await test.client()
    await test.client({ client_id: 'signs', token_endpoint_auth_method: 'private_key_jwt', jwks })
    const use = { ES256: es256, RS256: rs256 }
    for (const [alg, isAllowed] of [['ES256', true] as const, ['RS256', false] as const]) {
      const assertion = { iss: 'signs', sub: 'signs', aud: ISSUER, jti: alg, exp: test.now + 60 }
      const authenticated = await test.post('/token', {
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await sign(use[alg], assertion)
      })
      expect([alg, authenticated.status]).toEqual([alg, isAllowed ? 200 : 401])

      const request = await sign(use[alg], { ...AUTHORIZATION, client_id: 'signs' })
      const { headers } = await test.authorize({ client_id: 'signs', request })
      expect([alg, new URL(headers.get('location') ?? '').searchParams.get('error')]).toEqual([
        alg,
        isAllowed ? null : 'invalid_request_object'
      ])

      const proof = await makeProof(await newKey(alg === 'RS256' ? 'PS256' : alg), test.now)
      const bound = await ask(test, client, { grant_type: 'client_credentials' }, proof)
      expect([alg, bound.status]).toEqual([alg, isAllowed ? 200 : 400])

      const software_statement = await sign(use[alg], { iss: 'https://trust.example.com', redirect_uris: ['https://c.example.com/cb'] })
      const body = JSON.stringify({ software_statement })
      const registered = await test.fetch('/register', { method: 'POST', body, headers: { 'content-type': 'application/json' } })
      expect([alg, registered.status]).toEqual([alg, isAllowed ? 201 : 400])
    }
  })

  test('hold for the JWTs of issuers that are trusted', async () => {
    const issuer = { issuer: 'https://trust.example.com', jwks, clients: ['app'], subjectOf: async () => 'alice' }
    const test = new TestServer({ allowedAlgorithms: ['ES256'], extensions: [jwtBearer({ issuers: [issuer] })] })
    const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
    const client = await test.client({ grant_types: [grant_type], redirect_uris: [] })
    const claims = { iss: issuer.issuer, sub: '7', aud: ISSUER, exp: test.now + 60 }
    const ask = async (by: Key) => test.token(client, { grant_type, assertion: await sign(by, { ...claims, jti: by.alg }) })
    expect((await ask(es256)).status).toBe(200)
    await expectTokenError(await ask(rs256), 400, 'invalid_grant')
  })

  test('RFC 9864 section 2.2: EdDSA and Ed25519 are one', () => {
    for (const name of ['EdDSA', 'Ed25519']) {
      const { server } = new TestServer({ allowedAlgorithms: [name], signingAlgorithms: ['EdDSA'], extensions: [dpop()] })
      expect(server.metadata()['dpop_signing_alg_values_supported']).toEqual(['EdDSA', 'Ed25519'])
    }
  })

  test('that leave nothing to sign with, or to be proven by, are refused at the start', () => {
    const build = (options: object) => () => new TestServer(options)
    expect(build({ allowedAlgorithms: ['PS256'] })).toThrow('allowedAlgorithms has no ES256, which this server is to sign with')
    expect(build({ allowedAlgorithms: [] })).toThrow('allowedAlgorithms has no ES256')
    expect(build({ allowedAlgorithms: ['none'] })).toThrow('settings: allowedAlgorithms is a list, each entry of it one of ES256, ES384')
    expect(build({ allowedAlgorithms: 'ES256' })).toThrow('settings: allowedAlgorithms is a list')
    const rest = { allowedAlgorithms: ['ES256'] }
    expect(build({ ...rest, extensions: [clientSecretJwt] })).toThrow(
      'client_secret_jwt: allowedAlgorithms has none of HS256, HS384, HS512'
    )
    expect(build({ ...rest, extensions: [dpop({ algorithms: ['PS256'] })] })).toThrow('dpop: allowedAlgorithms has none of PS256')
    const signer = { alg: 'PS256', kid: 'k', publicJwk: {}, sign: async () => '' }
    expect(build({ ...rest, signers: [signer] })).toThrow('allowedAlgorithms has no PS256')
  })

  test('let a client that registered another before sign no more', async () => {
    const { store } = new TestServer().server
    const before = new TestServer({ store, extensions: [requestObjects()] })
    await before.client({ jwks, request_object_signing_alg: 'RS256' })
    const after = new TestServer({ store, allowedAlgorithms: ['ES256'], extensions: [requestObjects()] })
    const ask = async (test: TestServer) => {
      const { headers } = await test.authorize({ request: await sign(rs256, AUTHORIZATION) })
      return new URL(headers.get('location') ?? '').searchParams.get('error')
    }
    expect([await ask(before), await ask(after)]).toEqual([null, 'invalid_request_object'])
  })

  test('are not those of an API, which has a list of its own', () => {
    expect(() => new DpopResourceChecker({ algorithms: ['ES256', 'PS256', 'EdDSA'] })).not.toThrow()
  })

  test('of a secret, for client_secret_jwt', async () => {
    const test = new TestServer({ allowedAlgorithms: ['ES256', 'HS512'], extensions: [clientSecretJwt] })
    expect(test.server.metadata()['token_endpoint_auth_signing_alg_values_supported']).toEqual(['ES256', 'HS512'])
    await expectTokenError(await test.post('/token', { client_id: 'nobody' }), 401, 'invalid_client')
  })
})
