import { createServer, type RequestListener } from 'node:http'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect, test } from 'vitest'
import { type InteractionResult, nodeListener, richAuthorizationRequests, type StandardSchemaV1 } from '../src/index.ts'
import { askUserinfo, codeParams, hashOf, makeProof, newKey, type ProofParts, USERINFO } from './dpop-support.ts'
import { answered, FapiFlow, fapiClient, OPENID, PAR, sign, signingKey } from './fapi2-support.ts'
import { Listener } from './listener.ts'
import { CHALLENGE, expectPage, expectRedirectError, expectTokenError, ISSUER, REDIRECT_URI } from './support.ts'

const URN = 'urn:ietf:params:oauth:request_uri:'

/** What the person answers to the last page, and where that leads. */
async function decide({ test }: FapiFlow, result: InteractionResult): Promise<Response> {
  const { id, returnTo } = test.prompts.at(-1) ?? { id: '', returnTo: '' }
  const cookie = [...test.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  await test.server.interactions.resolve({ method: 'POST', url: '/', headers: new Headers({ cookie }), body: async () => '' }, id, result)
  return test.fetch(returnTo)
}

describe('conformance 3.3 discovery', () => {
  test('iss, PAR, S256, DPoP, and algorithms of the profile only; openid-configuration or plain OAuth', async () => {
    const { test } = await FapiFlow.open(OPENID)
    const metadata = await (await test.fetch('/.well-known/openid-configuration')).json()
    const algorithms = ['ES256', 'PS256', 'EdDSA', 'Ed25519']
    expect(metadata).toMatchObject({
      authorization_response_iss_parameter_supported: true,
      pushed_authorization_request_endpoint: PAR,
      require_pushed_authorization_requests: true,
      code_challenge_methods_supported: ['S256'],
      dpop_signing_alg_values_supported: algorithms,
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
      token_endpoint_auth_signing_alg_values_supported: algorithms,
      introspection_endpoint_auth_methods_supported: ['private_key_jwt'],
      revocation_endpoint_auth_methods_supported: ['private_key_jwt'],
      id_token_signing_alg_values_supported: ['ES256'],
      userinfo_signing_alg_values_supported: ['ES256'],
      response_types_supported: ['code'],
      grant_types_supported: ['client_credentials', 'authorization_code', 'refresh_token']
    })
    const plain = (await FapiFlow.open()).test
    const { issuer, scopes_supported } = await (await plain.fetch('/.well-known/oauth-authorization-server')).json()
    expect([issuer, scopes_supported]).toEqual([ISSUER, undefined])
    expect((await plain.fetch('/.well-known/openid-configuration')).status).toBe(404)
  })

  test('every key of the JWKS is RSA of at least 2048 bits or EC of at least 224, none for an algorithm that is not allowed, each kid once', async () => {
    const { test } = await FapiFlow.open(OPENID, { signingAlgorithms: ['ES256', 'PS256', 'EdDSA'] })
    await test.server.ready()
    const { keys } = await (await test.fetch('/jwks')).json()
    expect(keys.map(({ alg }: { alg: string }) => alg).sort()).toEqual(['ES256', 'EdDSA', 'PS256'])
    expect(new Set(keys.map(({ kid }: { kid: string }) => kid)).size).toBe(3)
    const rsa = keys.find(({ kty }: { kty: string }) => kty === 'RSA')
    expect(Buffer.from(rsa.n, 'base64url').length * 8).toBeGreaterThanOrEqual(2048)
  })
})

describe('conformance 3.3 PAR', () => {
  test('201, JSON, a request_uri with entropy, expires_in from 5 to below 600, no error', async () => {
    const flow = await FapiFlow.open()
    const response = await flow.push()
    const { request_uri, expires_in, error } = await response.json()
    expect([response.status, response.headers.get('content-type'), error]).toEqual([201, 'application/json', undefined])
    expect(request_uri.startsWith(URN) && request_uri.length > URN.length + 22).toBe(true)
    expect(expires_in >= 5 && expires_in < 600).toBe(true)
    expect(await flow.requestUri()).not.toBe(request_uri)
  })

  test('PUT is an error', async () => {
    const { test } = await FapiFlow.open()
    expect((await test.fetch('/par', { method: 'PUT' })).status).toBe(405)
  })

  test('request_uri inside of it, no client authentication, another response_type, no PKCE, plain PKCE are refused', async () => {
    const flow = await FapiFlow.open()
    await expectTokenError(await flow.push({ request_uri: `${URN}x` }), 400, 'invalid_request')
    await expectTokenError(await flow.push({}, {}), 401, 'invalid_client')
    for (const response_type of ['code id_token', 'token', 'none'])
      await expectTokenError(await flow.push({ response_type }), 400, 'unsupported_response_type')
    await expectTokenError(await flow.push({ code_challenge: undefined, code_challenge_method: undefined }), 400, 'invalid_request')
    await expectTokenError(await flow.push({ code_challenge_method: 'plain' }), 400, 'invalid_request')
    await expectTokenError(await flow.push({ code_challenge_method: undefined }), 400, 'invalid_request')
  })

  test('5.3.2.2-6 shall require the redirect_uri parameter in pushed authorization requests', async () => {
    const flow = await FapiFlow.open()
    await expectTokenError(await flow.push({ redirect_uri: undefined }), 400, 'invalid_request')
    await expectTokenError(await flow.push({ redirect_uri: 'https://evil.example/cb' }), 400, 'invalid_request')
  })

  test('client_id and request_uri are all that the browser brings; duplicates in front are ignored', async () => {
    const flow = await FapiFlow.open()
    const response = await flow.open(await flow.requestUri(), { state: 'other', redirect_uri: 'https://evil.example', scope: 'admin' })
    expect(response.status).toBe(303)
    expect(answered(response)).toEqual({ code: expect.any(String), state: 'xyz', iss: ISSUER })
  })

  test('a request_uri that expired, of another client, or that was answered is invalid_request_uri', async () => {
    const flow = await FapiFlow.open()
    await flow.test.client(await fapiClient({ client_id: 'other' }))
    const uri = await flow.requestUri()
    flow.clientId = 'other'
    expect(await expectPage(await flow.open(uri))).toContain('not of this client')
    flow.clientId = 'app'
    const expired = await flow.requestUri()
    flow.test.now += 60
    await expectPage(await flow.open(expired))
    const answeredOnce = await flow.requestUri()
    expect(answered(await flow.open(answeredOnce))).toHaveProperty('code')
    await expectPage(await flow.open(answeredOnce))
    const { test } = flow
    expect(test.eventsOf('request.refused')).toHaveLength(3)
    expect(test.events.filter((event) => event.type === 'request.refused').map(({ error }) => error)).toEqual(
      Array(3).fill('invalid_request_uri')
    )
  })

  test('one use at completion: a reload of the page before the person signed in still works', async () => {
    const flow = await FapiFlow.open({}, {}, { require_consent: true })
    flow.test.session = undefined
    const uri = await flow.requestUri()
    for (const _ of [1, 2]) expect(await (await flow.open(uri)).text()).toBe('page login')
    flow.test.session = { id: 's1', subject: 'alice', authTime: flow.test.now }
    expect(await (await flow.open(uri)).text()).toBe('page consent')
  })

  test('5.3.2.2-3 shall reject authorization requests sent without PAR', async () => {
    const { test } = await FapiFlow.open()
    const response = await test.authorize({})
    expectRedirectError(response, 'invalid_request')
    await expectPage(await test.authorize({ redirect_uri: 'https://evil.example' }))
    expectRedirectError(await test.authorize({ response_type: 'code id_token' }), 'invalid_request')
  })

  test('state and nonce of 64 characters come back, of 384 too and never cut; no state in, none out', async () => {
    const flow = await FapiFlow.open(OPENID)
    for (const length of [64, 384]) {
      const [state, nonce] = ['s'.repeat(length), 'n'.repeat(length)]
      const response = answered(await flow.open(await flow.requestUri({ state, nonce, scope: 'openid' })))
      expect(response['state']).toBe(state)
      const { id_token } = await (await flow.redeem(response['code'] ?? '')).json()
      expect(decodeJwt(id_token)['nonce']).toBe(nonce)
    }
    expect(answered(await flow.open(await flow.requestUri({ state: undefined, scope: 'openid' })))).not.toHaveProperty('state')
  })

  test('who cancels sends access_denied with state and iss', async () => {
    const flow = await FapiFlow.open({}, {}, { require_consent: true })
    await flow.open(await flow.requestUri())
    expectRedirectError(await decide(flow, { denied: true }), 'access_denied')
  })
})

describe('conformance 3.3 code', () => {
  test('a wrong or missing verifier is invalid_grant', async () => {
    const flow = await FapiFlow.open()
    const code = await flow.code()
    for (const code_verifier of ['x'.repeat(43), undefined]) {
      const { code_verifier: _, ...rest } = codeParams(code)
      const response = await flow.token({ ...rest, ...(code_verifier && { code_verifier }) })
      await expectTokenError(response, 400, 'invalid_grant')
    }
  })

  test('reuse after a second is invalid_grant, and its access token is revoked', async () => {
    const flow = await FapiFlow.open(OPENID)
    const code = await flow.code({ scope: 'openid' })
    const { access_token } = await (await flow.redeem(code)).json()
    expect((await askUserinfo(flow.test, access_token, flow.proofKey)).status).toBe(200)
    flow.test.now += 1
    await expectTokenError(await flow.redeem(code), 400, 'invalid_grant')
    expect((await askUserinfo(flow.test, access_token, flow.proofKey)).status).toBe(401)
  })

  test('after 62 seconds, or by another client, it is invalid_grant; with a foreign client_id invalid_request', async () => {
    const flow = await FapiFlow.open()
    await flow.test.client(await fapiClient({ client_id: 'other' }))
    const code = await flow.code()
    await expectTokenError(await flow.redeem(code, { client_id: 'other' }), 401, 'invalid_client')
    flow.clientId = 'other'
    await expectTokenError(await flow.redeem(code), 400, 'invalid_grant')
    flow.clientId = 'app'
    flow.test.now += 62
    await expectTokenError(await flow.redeem(code), 400, 'invalid_grant')
  })

  test('client_credentials: no refresh token', async () => {
    const flow = await FapiFlow.open()
    const tokens = await (await flow.token({ grant_type: 'client_credentials' })).json()
    expect([tokens.token_type, 'refresh_token' in tokens]).toEqual(['DPoP', false])
  })
})

describe('conformance 3.3 client assertion', () => {
  const ways = [
    ['PAR', (flow: FapiFlow, by: Record<string, string>) => flow.push({}, by), 201],
    ['token', (flow: FapiFlow, by: Record<string, string>) => flow.token({ grant_type: 'client_credentials' }, undefined, by), 200]
  ] as const

  test.each(ways)('at %s: aud is the issuer as a single string', async (_, send, right) => {
    const flow = await FapiFlow.open()
    expect((await send(flow, await flow.assertion())).status).toBe(right)
    for (const aud of [[ISSUER], [ISSUER, PAR], PAR, `${ISSUER}/token`, `${ISSUER}/`, 'https://other.example.com', undefined])
      await expectTokenError(await send(flow, await flow.assertion({ aud })), 401, 'invalid_client')
  })

  test.each(ways)(
    'at %s: exp 5 minutes past, no sub, iat and nbf more than 60 seconds ahead, no assertion are refused',
    async (_, send) => {
      const flow = await FapiFlow.open()
      const { now } = flow.test
      const claims = [{ exp: now - 300 }, { exp: undefined }, { sub: undefined }, { sub: 'other' }, { iss: 'other' }, { jti: undefined }]
      for (const wrong of [...claims, { iat: now + 61 }, { nbf: now + 61 }])
        await expectTokenError(await send(flow, await flow.assertion(wrong)), 401, 'invalid_client')
      await expectTokenError(await send(flow, {}), 401, 'invalid_client')
    }
  )

  test.each(ways)('5.3.2.1-13 at %s: iat and nbf 8 and 10 seconds ahead are accepted', async (_, send, right) => {
    const flow = await FapiFlow.open()
    for (const ahead of [8, 10])
      for (const claim of ['iat', 'nbf'])
        expect((await send(flow, await flow.assertion({ [claim]: flow.test.now + ahead }))).status).toBe(right)
  })

  test.each(['RS256', 'PS384', 'ES384'])('5.4.1-1 %s is refused, whatever key the client has', async (alg) => {
    const key = await signingKey(alg)
    const bare = { ...key.jwk } as Record<string, unknown>
    delete bare['alg']
    const flow = await FapiFlow.open({}, {}, { jwks: { keys: [bare as JsonWebKey] } })
    await expectTokenError(await flow.push({}, await flow.assertion({}, {}, key)), 401, 'invalid_client')
  })

  test.each(['PS256', 'ES256', 'EdDSA', 'Ed25519'])('5.4.1-1 %s is accepted', async (alg) => {
    const key = await signingKey(alg)
    const flow = await FapiFlow.open({}, {}, { jwks: { keys: [key.jwk] } })
    expect((await flow.push({}, await flow.assertion({}, {}, key))).status).toBe(201)
  })

  test('5.4.1-1 shall not accept the none algorithm; RSA keys shall have a minimum length of 2048 bits', async () => {
    const flow = await FapiFlow.open()
    const { client_assertion = '', ...type } = await flow.assertion()
    const [, payload] = client_assertion.split('.')
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
    await expectTokenError(await flow.push({}, { ...type, client_assertion: none }), 401, 'invalid_client')
    const short = { kty: 'RSA', e: 'AQAB', n: Buffer.alloc(128, 255).toString('base64url'), alg: 'PS256' }
    await expect(flow.test.server.clients.update('app', { jwks: { keys: [short] } })).rejects.toThrow('at least 2048 bits')
  })
})

describe('conformance 3.3 refresh', () => {
  test('5.3.2.1-9 shall not use refresh token rotation: the same token goes on, and is made of VSCHAR', async () => {
    const flow = await FapiFlow.open()
    const { refresh_token } = await flow.tokens()
    expect(refresh_token).toMatch(/^[\x20-\x7e]+$/)
    for (const later of [0, 30, 3600]) {
      flow.test.now += later
      const response = await flow.token({ grant_type: 'refresh_token', refresh_token })
      const tokens = await response.json()
      expect([response.status, tokens.token_type, tokens.refresh_token]).toEqual([200, 'DPoP', undefined])
    }
  })

  test('without client authentication 401, without a proof 400; with a new key of DPoP it succeeds', async () => {
    const flow = await FapiFlow.open()
    const { refresh_token } = await flow.tokens()
    const params = { grant_type: 'refresh_token', refresh_token }
    await expectTokenError(await flow.token({ ...params, client_id: 'app' }, undefined, {}), 401, 'invalid_client')
    await expectTokenError(await flow.token(params, ''), 400, 'invalid_dpop_proof')
    expect((await flow.token(params, await flow.proof(undefined, {}, await newKey('PS256')))).status).toBe(200)
  })
})

describe('conformance 3.3 DPoP', () => {
  test('5.3.2.1-4 shall only issue sender-constrained access tokens: without a proof there is none', async () => {
    const flow = await FapiFlow.open()
    await expectTokenError(await flow.token({ grant_type: 'client_credentials' }, ''), 400, 'invalid_dpop_proof')
    await expectTokenError(await flow.redeem(await flow.code(), {}, ''), 400, 'invalid_dpop_proof')
  })

  test('5.3.2.1-12 Authorization Code Binding to DPoP Key: dpop_jkt at PAR, or a proof that comes with it', async () => {
    const flow = await FapiFlow.open()
    const other = await newKey()
    const otherProof = () => flow.proof(undefined, {}, other)
    for (const [params, headers] of [
      [{ dpop_jkt: flow.proofKey.jkt }, {}],
      [{}, { dpop: await flow.proof(PAR) }]
    ]) {
      const code = await flow.code(params, headers)
      const refused = await flow.redeem(code, {}, await otherProof())
      expect(refused.status).toBe(400)
      expect((await flow.redeem(code)).status).toBe(200)
    }
    const mismatch = await flow.push({ dpop_jkt: flow.proofKey.jkt }, undefined, { dpop: await flow.proof(PAR, {}, other) })
    await expectTokenError(mismatch, 400, 'invalid_dpop_proof')
  })

  test('5.3.2.1-10 may use the server provided nonce mechanism: challenge, then success', async () => {
    const flow = await FapiFlow.open({ dpop: { nonces: true } })
    const challenged = await flow.token({ grant_type: 'client_credentials' })
    const nonce = challenged.headers.get('dpop-nonce') ?? ''
    await expectTokenError(challenged, 400, 'use_dpop_nonce')
    const proof = await flow.proof(undefined, { claims: { nonce } })
    expect((await flow.token({ grant_type: 'client_credentials' }, proof)).status).toBe(200)
  })

  test('at the resource: whatever is wrong with a proof is refused, and what does not matter is not', async () => {
    const flow = await FapiFlow.open(OPENID)
    const { test, proofKey } = flow
    const { access_token } = await flow.tokens({ scope: 'openid' })
    const { now } = test
    const wrong: ProofParts[] = [
      ...[{ typ: undefined }, { typ: 'JWT' }, { alg: undefined }, { jwk: undefined }].map((header) => ({ header })),
      ...['jti', 'htm', 'htu', 'iat', 'ath'].map((name) => ({ claims: { [name]: undefined } })),
      ...[{ htm: 'POST' }, { htu: `${USERINFO}/x` }, { iat: now - 3600 }, { iat: now + 3600 }, { ath: await hashOf('x') }].map(
        (claims) => ({ claims })
      )
    ]
    for (const parts of wrong) {
      const response = await askUserinfo(test, access_token, proofKey, parts).catch((error: Error) => error)
      if (response instanceof Error) expect(parts.header).toHaveProperty('alg')
      else expect([parts, response.status]).toEqual([parts, expect.toBeOneOf([400, 401])])
    }
    const right: ProofParts[] = [
      ...[
        { htu: `${USERINFO}?a=b#c` },
        { htu: 'https://ID.example.com:443/userinfo' },
        { iat: now + 10 },
        { iat: now - 10 },
        { foo: 'bar' }
      ].map((claims) => ({ claims })),
      { header: { foo: 'bar' } }
    ]
    for (const parts of right) expect([parts, (await askUserinfo(test, access_token, proofKey, parts)).status]).toEqual([parts, 200])
    const rsa = await newKey('RS256')
    expect((await askUserinfo(test, access_token, rsa)).status).toBe(401)
    const { d: _, ...publicPart } = proofKey.jwk
    expect((await askUserinfo(test, access_token, proofKey, { header: { jwk: { ...publicPart, d: publicPart.x } } })).status).toBe(401)
  })

  test('at the resource: a replay, a bad signature, Bearer, a token in the query are refused; the scheme has no case', async () => {
    const flow = await FapiFlow.open(OPENID)
    const { test, proofKey } = flow
    const { access_token } = await flow.tokens({ scope: 'openid' })
    const make = async () => makeProof(proofKey, test.now, { claims: { htm: 'GET', htu: USERINFO, ath: await hashOf(access_token) } })
    const ask = async (scheme: string, dpop: string) =>
      (await test.fetch('/userinfo', { headers: { authorization: `${scheme} ${access_token}`, dpop } })).status
    const proof = await make()
    expect([await ask('dPoP', proof), await ask('DPoP', proof)]).toEqual([200, 401])
    const [header, payload] = (await make()).split('.')
    expect(await ask('DPoP', `${header}.${payload}.${proof.split('.')[2]}`)).toBe(401)
    expect(await ask('Bearer', await make())).toBe(401)
    const inQuery = await test.fetch(`/userinfo?access_token=${access_token}`, { headers: { dpop: await make() } })
    expect(inQuery.status).toBeGreaterThanOrEqual(400)
  })
})

describe('conformance 3.3 the resource', () => {
  test('answers 200 with a Date header, for the Accept of the suite and with x-fapi headers', async () => {
    const flow = await FapiFlow.open(OPENID)
    const { test, proofKey } = flow
    const { access_token } = await flow.tokens({ scope: 'openid' })
    const listener = await Listener.open(createServer(nodeListener(test.server) as RequestListener))
    try {
      for (const accept of ['application/json;charset=UTF-8', 'application/json, text/plain, */*']) {
        const dpop = await makeProof(proofKey, test.now, { claims: { htm: 'GET', htu: USERINFO, ath: await hashOf(access_token) } })
        const fapi = { 'x-fapi-interaction-id': 'c770aef3-6784-41f7-8e0e-ff5f97bddb3a', 'x-fapi-auth-date': 'x' }
        const headers = { authorization: `DPoP ${access_token}`, dpop, accept, ...fapi }
        const response = await fetch(`${listener.origin}/userinfo`, { headers })
        expect([response.status, response.headers.has('date')]).toEqual([200, true])
      }
    } finally {
      await listener.close()
    }
  })

  test('the claims parameter for identity claims works, in an ID token that is signed by the profile', async () => {
    const flow = await FapiFlow.open(OPENID, {}, { scope: 'openid email' })
    const claims = JSON.stringify({ id_token: { email: { essential: true } } })
    const id_token = String((await flow.tokens({ scope: 'openid', claims }))['id_token'])
    expect(decodeProtectedHeader(id_token)).toMatchObject({ alg: 'ES256', kid: expect.any(String) })
    expect(decodeJwt(id_token)).toMatchObject({ iss: ISSUER, aud: 'app', email: 'alice@example.com' })
  })

  test('5.3.2.2 note 5: of rich authorization requests the authorization_details are in the token response', async () => {
    const schema: StandardSchemaV1 = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }
    const extensions = [richAuthorizationRequests({ types: { payment: { schema } } })]
    const flow = await FapiFlow.open({ extensions }, {}, { require_consent: true })
    const authorization_details = [{ type: 'payment', amount: '12' }]
    await flow.open(await flow.requestUri({ authorization_details: JSON.stringify(authorization_details) }))
    const code = answered(await decide(flow, { consent: { subject: 'alice', scope: ['read'] } }))['code'] ?? ''
    expect(await (await flow.redeem(code)).json()).toMatchObject({ authorization_details, scope: 'read' })
  })

  test('5.3.2.2-10 5.3.2.2-11 redirects are 303; 5.3.2.1-7 shall not expose open redirectors', async () => {
    const flow = await FapiFlow.open()
    const response = await flow.open(await flow.requestUri())
    expect([response.status, response.headers.get('location')?.startsWith(`${REDIRECT_URI}?`)]).toEqual([303, true])
    await expectPage(
      await flow.test.fetch(`/authorize?client_id=app&redirect_uri=https://evil.example&response_type=code&code_challenge=${CHALLENGE}`)
    )
    await expectPage(await flow.open(`${URN}x`, { redirect_uri: 'https://evil.example' }))
  })

  test('5.2.3-3 servers shall not support CORS for the authorization endpoint', async () => {
    const flow = await FapiFlow.open()
    const response = await flow.test.fetch(`/authorize?client_id=app`, { headers: { origin: new URL(REDIRECT_URI).origin } })
    expect(response.headers.has('access-control-allow-origin')).toBe(false)
  })
})

test('a signature made for another purpose is no assertion: one that says it is a request object (RFC 8725 section 3.11)', async () => {
  const flow = await FapiFlow.open()
  const object = await sign({ iss: 'app', aud: ISSUER, client_id: 'app', exp: flow.test.now + 60 }, flow.key)
  const { client_assertion_type = '' } = await flow.assertion()
  await expectTokenError(await flow.push({}, { client_assertion_type, client_assertion: object }), 401, 'invalid_client')
})
