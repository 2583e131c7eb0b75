import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { BackchannelRequests, CIBA_GRANT_TYPE, ciba, DEVICE_GRANT_TYPE, deviceAuthorization } from '../src/index.ts'
import type { Fapi2Options } from '../src/presets/index.ts'
import { answered, FapiFlow, OPENID, type SigningKey, sign, signingKey } from './fapi2-support.ts'
import { AUTHORIZATION, expectRedirectError, expectTokenError, ISSUER, VERIFIER } from './support.ts'

const OPTIONS: Fapi2Options = { ...OPENID, messageSigning: true }
const TYPE = { typ: 'oauth-authz-req+jwt' }

async function ready(metadata = {}) {
  const flow = await FapiFlow.open(OPTIONS, {}, metadata)
  const claims = () => {
    const { now } = flow.test
    return { ...AUTHORIZATION, response_mode: 'jwt', iss: 'app', aud: ISSUER, nbf: now, exp: now + 300 }
  }
  /** Pushes a request object as it should be, but for what is given. */
  const push = async (more: object = {}, { key = flow.key, header = TYPE as object, outside = {} as Record<string, string> } = {}) => {
    const request = await sign({ ...claims(), ...more }, key, header)
    return flow.test.post('/par', { client_id: 'app', request, ...outside, ...(await flow.assertion()) })
  }
  const response = async (more: object = {}): Promise<string> => {
    const { request_uri } = await (await push(more)).json()
    return answered(await flow.open(request_uri))['response'] ?? ''
  }
  return { flow, claims, push, response }
}

async function verify(flow: FapiFlow, jwt: string): Promise<Record<string, unknown>> {
  const keys = createLocalJWKSet(await (await flow.test.fetch('/jwks')).json())
  const options = { issuer: ISSUER, audience: 'app', currentDate: new Date(flow.test.now * 1000) }
  return (await jwtVerify(jwt, keys, options)).payload
}

describe('conformance 3.3 message signing: metadata', () => {
  test('signed requests are required, and every algorithm is of the profile', async () => {
    const { flow } = await ready()
    const algorithms = ['ES256', 'PS256', 'EdDSA', 'Ed25519']
    expect(flow.test.server.metadata()).toMatchObject({
      require_signed_request_object: true,
      request_object_signing_alg_values_supported: algorithms,
      authorization_signing_alg_values_supported: ['ES256'],
      introspection_signing_alg_values_supported: ['ES256'],
      response_modes_supported: expect.arrayContaining(['jwt'])
    })
  })

  test('is not there unless it is asked for', async () => {
    const { test } = await FapiFlow.open(OPENID)
    const metadata = test.server.metadata()
    expect(metadata['request_parameter_supported']).toBe(false)
    for (const name of [
      'require_signed_request_object',
      'authorization_signing_alg_values_supported',
      'introspection_signing_alg_values_supported'
    ])
      expect(metadata).not.toHaveProperty(name)
    expect(metadata['response_modes_supported']).not.toContain('jwt')
  })
})

describe('conformance 3.3 message signing: request object', () => {
  const right: [string, (now: number) => object][] = [
    ['nbf 8 seconds ahead', (now) => ({ nbf: now + 8 })],
    ['nbf 60 minutes old, exp 60 minutes after it', (now) => ({ nbf: now - 3599, exp: now + 1 })],
    ['exp 60 minutes ahead', (now) => ({ exp: now + 3600 })],
    ['aud an array with the issuer in it', () => ({ aud: [ISSUER, 'https://other.example.com'] })]
  ]
  test.each(right)('is accepted: %s', async (_, claims) => {
    const { flow, push } = await ready()
    expect((await push(claims(flow.test.now))).status).toBe(201)
  })

  test('is accepted with typ oauth-authz-req+jwt in any case, and without typ', async () => {
    const { push } = await ready()
    for (const typ of ['oauth-authz-req+jwt', 'OautH-auThZ-REQ+jWt', undefined])
      expect((await push({}, { header: { typ } })).status).toBe(201)
  })

  const wrong: [string, (now: number) => object][] = [
    ['no exp', () => ({ exp: undefined })],
    ['no nbf', () => ({ nbf: undefined })],
    ['no aud', () => ({ aud: undefined })],
    ['another aud', () => ({ aud: 'https://other.example.com' })],
    ['expired', (now) => ({ nbf: now - 600, exp: now - 300 })],
    ['exp more than 60 minutes after nbf', (now) => ({ nbf: now, exp: now + 3601 })],
    ['nbf more than 60 minutes old', (now) => ({ nbf: now - 3660, exp: now - 61 })],
    ['nbf 61 seconds ahead', (now) => ({ nbf: now + 61 })],
    ['another client', () => ({ client_id: 'other' })],
    ['another iss', () => ({ iss: 'other' })]
  ]
  test.each(wrong)('is invalid_request_object: %s', async (_, claims) => {
    const { flow, push } = await ready()
    await expectTokenError(await push(claims(flow.test.now)), 400, 'invalid_request_object')
  })

  test("RS256, none, another client's key, a bad signature are invalid_request_object", async () => {
    const rsa = await signingKey('RS256')
    const bare = (({ alg: _alg, ...jwk }) => jwk)(rsa.jwk as JsonWebKey & { alg?: string })
    const { jwk } = await signingKey()
    const { flow, claims, push } = await ready({ jwks: { keys: [jwk, { ...bare, kid: 'rsa' } as JsonWebKey] } })
    const refused = async (key: SigningKey, header: object = TYPE) =>
      expectTokenError(await push({}, { key, header }), 400, 'invalid_request_object')
    await refused(rsa, { kid: 'rsa' })
    await refused(await signingKey('ES256', 'other'))
    await refused(await signingKey('ES256', 'other'), { kid: 'k' })
    const object = await sign(claims(), flow.key, TYPE)
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${object.split('.')[1]}.`
    for (const request of [none, `${object.slice(0, -8)}AAAAAAAA`])
      await expectTokenError(
        await flow.test.post('/par', { client_id: 'app', request, ...(await flow.assertion()) }),
        400,
        'invalid_request_object'
      )
  })

  test('unsigned at PAR is refused, and signed but not pushed too', async () => {
    const { flow, claims } = await ready()
    await expectTokenError(await flow.push({ response_mode: 'jwt' }), 400, 'invalid_request')
    const request = await sign(claims(), flow.key, TYPE)
    const response = await flow.test.authorize({ request })
    expectRedirectError(response, 'invalid_request')
  })

  test('another state and nonce outside of it are ignored', async () => {
    const { flow, push } = await ready()
    const { request_uri } = await (
      await push({ scope: 'openid', nonce: 'inside' }, { outside: { state: 'outside', nonce: 'outside' } })
    ).json()
    const { code, state } = await verify(flow, answered(await flow.open(request_uri, { state: 'front' }))['response'] ?? '')
    expect(state).toBe('xyz')
    const { id_token } = await (await flow.redeem(code as string, { code_verifier: VERIFIER })).json()
    expect(JSON.parse(Buffer.from(id_token.split('.')[1], 'base64url').toString()).nonce).toBe('inside')
  })
})

describe('conformance 3.3 message signing: JARM', () => {
  test('response only; iss, aud, exp from 10 seconds to 10 minutes ahead; an algorithm of the profile with kid', async () => {
    const { flow, push } = await ready()
    const { request_uri } = await (await push()).json()
    const { response = '', ...rest } = answered(await flow.open(request_uri))
    expect(rest).toEqual({})
    const claims = await verify(flow, response)
    expect(Object.keys(claims).sort()).toEqual(['aud', 'code', 'exp', 'iss', 'state'])
    const ahead = Number(claims['exp']) - flow.test.now
    expect(ahead >= 10 && ahead <= 600).toBe(true)
    expect(decodeProtectedHeader(response)).toMatchObject({ alg: 'ES256', kid: expect.any(String) })
  })

  test('errors too', async () => {
    const { flow, response } = await ready()
    flow.test.session = undefined
    expect(await verify(flow, await response({ prompt: 'none', scope: 'openid' }))).toMatchObject({
      error: 'login_required',
      state: 'xyz',
      iss: ISSUER
    })
  })

  test.each(['query', 'fragment', 'form_post', undefined])(
    'a request for the response mode %s is refused with the sentence',
    async (mode) => {
      const { push } = await ready()
      const response = await push({ response_mode: mode })
      expect(await response.json()).toMatchObject({
        error: 'invalid_request',
        error_description: expect.stringContaining('FAPI 2.0 Message Signing section 5.4.1-1: shall support, require use of, and issue')
      })
    }
  )
})

test('a device, or a client of CIBA, is answered in no response mode: nothing of it need be signed', async () => {
  const extensions = [deviceAuthorization(), ciba({ findUser: async ({ value }) => value })]
  const metadata = { grant_types: [DEVICE_GRANT_TYPE, CIBA_GRANT_TYPE], backchannel_token_delivery_mode: 'poll' } as const
  const flow = await FapiFlow.open({ ...OPTIONS, extensions }, {}, metadata)
  const device = await flow.test.post('/device_authorization', { scope: 'openid', ...(await flow.assertion()) })
  expect(device.status).toBe(200)
  const asked = await flow.test.post('/bc-authorize', { scope: 'openid', login_hint: 'alice', ...(await flow.assertion()) })
  const { auth_req_id } = await asked.json()
  const requests = new BackchannelRequests(flow.test.server)
  const [{ id } = { id: '' }] = await requests.list('alice')
  await requests.approve(id, { subject: 'alice', authTime: flow.test.now })
  const params = { grant_type: CIBA_GRANT_TYPE, auth_req_id }
  await expectTokenError(await flow.token(params, ''), 400, 'invalid_dpop_proof')
  expect(await (await flow.token(params)).json()).toMatchObject({ token_type: 'DPoP', id_token: expect.any(String) })
})
