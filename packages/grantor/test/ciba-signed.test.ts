import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { cibaServer, TILL } from './ciba-support.ts'
import { basic, expectTokenError, ISSUER, START } from './support.ts'

const ALGORITHMS = ['PS256', 'ES256', 'RS256', 'EdDSA'] as const
const RACERS = 20
const HOUR = 3600
const KEYS = new Map(await Promise.all(ALGORITHMS.map(async (alg) => [alg, await generateKeyPair(alg, { extractable: true })] as const)))
const keyOf = (alg: (typeof ALGORITHMS)[number]) => KEYS.get(alg) ?? expect.fail(alg)
const jwks = {
  keys: await Promise.all(
    ALGORITHMS.map(async (alg) => ({ ...(await exportJWK(keyOf(alg).publicKey)), alg, kid: alg, use: 'sig' }) as JsonWebKey)
  )
}
const CLAIMS = {
  ...{ iss: 'till', aud: ISSUER, iat: START, nbf: START, exp: START + 300, jti: 'j1' },
  ...{ scope: 'openid', login_hint: 'alice', binding_message: '1234' }
}

function sign(claims: object, alg: (typeof ALGORITHMS)[number] = 'ES256', key = keyOf(alg).privateKey): Promise<string> {
  // Without what is undefined.
  return new SignJWT(JSON.parse(JSON.stringify({ ...CLAIMS, ...claims }))).setProtectedHeader({ alg, kid: alg }).sign(key)
}

function signing(alg: string = 'ES256') {
  return cibaServer({}, { metadata: { jwks, backchannel_authentication_request_signing_alg: alg } })
}

describe('3.5 signed authentication requests (CIBA Core §7.1.1)', () => {
  test.each(['PS256', 'ES256', 'EdDSA'] as const)('are taken with the algorithm that is registered: %s', async (alg) => {
    const { send, waiting } = await signing(alg)
    expect((await send({ request: await sign({}, alg) })).status).toBe(200)
    expect(await waiting()).toMatchObject({ bindingMessage: '1234', scope: ['openid'] })
  })

  test('the times may have passed an hour ago at most, and requested_expiry is a number or a string', async () => {
    const { send } = await signing()
    const old = await send({ request: await sign({ nbf: START - HOUR + 1, exp: START + 1, jti: 'j2', requested_expiry: 30 }) })
    expect(await old.json()).toMatchObject({ expires_in: 30 })
    const long = await send({ request: await sign({ exp: START + HOUR, aud: [ISSUER], jti: 'j3', requested_expiry: '40' }) })
    expect(await long.json()).toMatchObject({ expires_in: 40 })
  })

  test.each<[string, object]>([
    ...(['aud', 'iss', 'exp', 'iat', 'nbf', 'jti'] as const).map((name): [string, object] => [`without ${name}`, { [name]: undefined }]),
    ['for another server', { aud: 'https://other.example' }],
    ['from another client', { iss: 'app' }],
    ['of another client_id', { client_id: 'app' }],
    ['that has expired', { nbf: START - 600, exp: START - 300 }],
    ['that is not valid yet', { nbf: START + 600, exp: START + 900 }],
    ['that is issued in the future', { iat: START + 600 }],
    ['that is older than an hour', { nbf: START - HOUR - 60 }],
    ['that lives longer than an hour', { exp: START + HOUR + 1 }],
    ['that authenticates the client', { sub: 'till' }],
    ['whose jti is no string', { jti: 1 }],
    ['with two hints', { login_hint_token: 'x' }],
    ['with half a character', { binding_message: { a: 1 }, login_hint: '\ud800' }]
  ])('%s: invalid_request', async (_, claims) => {
    const { send } = await signing()
    await expectTokenError(await send({ request: await sign(claims) }), 400, 'invalid_request')
  })

  test.each<[string, () => Promise<string>]>([
    ['none', async () => new UnsecuredJWT(CLAIMS).encode()],
    ['RS256', () => sign({}, 'RS256')],
    ['another algorithm than the registered', () => sign({}, 'PS256')],
    ["another client's key", async () => sign({}, 'ES256', (await generateKeyPair('ES256')).privateKey)],
    ['nothing at all', async () => 'x']
  ])('signed with %s: invalid_request', async (_, make) => {
    const { send, requests } = await signing()
    await expectTokenError(await send({ request: await make() }), 400, 'invalid_request')
    expect(await requests.list('alice')).toEqual([])
  })

  test('a client that is registered to sign signs all; one that is not, none', async () => {
    const { ask } = await signing()
    await expectTokenError(await ask(), 400, 'invalid_request')
    const { send } = await cibaServer({}, { metadata: { jwks } })
    await expectTokenError(await send({ request: await sign({}) }), 400, 'invalid_request')
  })

  test('"authentication request parameters MUST NOT be present outside of the JWT"', async () => {
    const { send } = await signing()
    const request = await sign({})
    for (const name of [
      'scope',
      'login_hint',
      'binding_message',
      'acr_values',
      'client_notification_token',
      'requested_expiry',
      'user_code'
    ])
      await expectTokenError(await send({ request, [name]: 'x' }), 400, 'invalid_request')
    expect((await send({ request, client_id: 'till' })).status).toBe(200)
  })

  test(`of ${RACERS} times the same jti at once one counts; a request that failed did not spend it`, async () => {
    const { send, people } = await signing()
    const request = await sign({})
    people.delete('alice')
    await expectTokenError(await send({ request }), 400, 'unknown_user_id')
    people.set('alice', {})
    const answers = await Promise.all(Array.from({ length: RACERS }, () => send({ request })))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    for (const refused of answers.filter(({ status }) => status !== 200)) await expectTokenError(refused, 400, 'invalid_request')
  })

  test('another client may have the same jti', async () => {
    const { test, send } = await signing()
    expect((await send({ request: await sign({}) })).status).toBe(200)
    const metadata = { ...TILL, client_id: 'kiosk', jwks, backchannel_authentication_request_signing_alg: 'ES256' }
    const { client_secret = '' } = await test.server.clients.create(metadata)
    const request = await sign({ iss: 'kiosk' })
    expect((await test.post('/bc-authorize', { request }, basic('kiosk', client_secret))).status).toBe(200)
  })
})
