import { createPublicKey } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { type AuthorizationServerOptions, clientSecretJwt, type NewClient } from '../src/index.ts'
import { expectTokenError, ISSUER, TestServer } from './support.ts'

const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

async function ready(alg: string, metadata: NewClient = {}, options: Partial<AuthorizationServerOptions> = {}) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  const test = new TestServer(options)
  await test.client({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk as JsonWebKey] }, ...metadata })
  let jti = 0
  const claims = () => ({ iss: 'app', sub: 'app', aud: ISSUER, jti: `j${jti++}`, exp: test.now + 60 })
  const sign = () => new SignJWT(claims()).setProtectedHeader({ alg }).sign(privateKey)
  const ask = (client_assertion: string) =>
    test.post('/token', { grant_type: 'client_credentials', client_assertion_type: TYPE, client_assertion })
  const refused = async (assertion: string) => expectTokenError(await ask(assertion), 401, 'invalid_client')
  return { test, jwk, claims, sign, ask, refused }
}

/** The same header and payload with the signature that `change` makes of the right one. */
function resigned(assertion: string, change: (signature: Buffer) => Uint8Array): string {
  const [header, payload, signature = ''] = assertion.split('.')
  return `${header}.${payload}.${Buffer.from(change(Buffer.from(signature, 'base64url'))).toString('base64url')}`
}

const b64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const bytes = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
const number = (octets: Buffer) => BigInt(`0x${octets.toString('hex')}`)
const halves = (signature: Buffer) => [signature.subarray(0, 32), signature.subarray(32)] as const

describe('CA-12 an ES256 signature', () => {
  test.each<[string, (r: Buffer, s: Buffer) => Uint8Array]>([
    ['r and s are zero', () => Buffer.alloc(64)],
    ['r is zero', (_, s) => Buffer.concat([Buffer.alloc(32), s])],
    ['s is zero', (r) => Buffer.concat([r, Buffer.alloc(32)])],
    ['r and s are the order of the group', () => Buffer.concat([bytes(P256_ORDER), bytes(P256_ORDER)])],
    ['s is the order of the group', (r) => Buffer.concat([r, bytes(P256_ORDER)])],
    ['r and s are one', () => Buffer.concat([bytes(1n), bytes(1n)])],
    ['r and s are the greatest that fit', () => Buffer.alloc(64, 0xff)],
    ['r and s have changed places', (r, s) => Buffer.concat([s, r])],
    ['an octet is missing', (r, s) => Buffer.concat([r, s]).subarray(0, 63)],
    ['an octet is added', (r, s) => Buffer.concat([r, s, Buffer.alloc(1)])],
    ['r and s are longer by leading zeros', (r, s) => Buffer.concat([Buffer.alloc(1), r, Buffer.alloc(1), s])],
    ['there is none', () => Buffer.alloc(0)]
  ])('is refused where %s', async (_, change) => {
    const { sign, refused, ask } = await ready('ES256')
    await refused(resigned(await sign(), (signature) => change(...halves(signature))))
    expect((await ask(await sign())).status).toBe(200)
  })

  test('is refused in DER', async () => {
    const { sign, refused } = await ready('ES256')
    const integer = (octets: Buffer) => {
      const unsigned = (octets[0] ?? 0) < 0x80 ? octets : Buffer.concat([Buffer.alloc(1), octets])
      return Buffer.concat([Buffer.from([2, unsigned.length]), unsigned])
    }
    const der = (signature: Buffer) => {
      const body = Buffer.concat(halves(signature).map(integer))
      return Buffer.concat([Buffer.from([0x30, body.length]), body])
    }
    await refused(resigned(await sign(), der))
  })

  test('has a twin, with n - s in place of s, that is no second assertion', async () => {
    const { test, sign, ask, refused } = await ready('ES256')
    const assertion = await sign()
    expect((await ask(assertion)).status).toBe(200)
    await refused(
      resigned(assertion, (signature) => Buffer.concat([signature.subarray(0, 32), bytes(P256_ORDER - number(signature.subarray(32)))]))
    )
    expect(test.eventsOf('assertion.replayed')).toHaveLength(1)
  })
})

describe('CA-12 an EdDSA signature', () => {
  const P = 2n ** 255n - 19n
  const SMALL = [
    ...[0n, 1n, P - 1n, P, P + 1n].map((y) => bytes(y).reverse()),
    Buffer.from('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'hex'),
    Buffer.from('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', 'hex')
  ]
  const SIGNED = SMALL.flatMap((point) => [point, Buffer.from(point.map((octet, i) => (i === 31 ? octet | 0x80 : octet)))])
  const ed25519 = (point: Buffer) => ({ kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') }) as JsonWebKey

  test.each(SIGNED.map((point) => [point.toString('hex'), point] as const))(
    'a key of small order is not registered: %s',
    async (_, point) => {
      await expect(ready('EdDSA', { jwks: { keys: [ed25519(point)] } })).rejects.toMatchObject({ error: 'invalid_client_metadata' })
      // base64url has two bits more than 32 octets need.
      const text = point.toString('base64url')
      const x = text.slice(0, -1) + ALPHABET[ALPHABET.indexOf(text.slice(-1)) + 1]
      await expect(ready('EdDSA', { jwks: { keys: [{ ...ed25519(point), x }] } })).rejects.toMatchObject({
        error: 'invalid_client_metadata'
      })
    }
  )

  test('a key of small order that was stored all the same, or is published at jwks_uri, verifies nothing', async () => {
    const identity = SMALL[1] as Buffer
    const keys = [ed25519(identity)]
    const fetched = { status: 200, contentType: 'application/json', headers: { get: () => null }, body: JSON.stringify({ keys }) }
    const { test, claims, refused } = await ready('EdDSA', {}, { outbound: async () => fetched })
    await test.client({ client_id: 'far', token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://far.example/jwks' })
    const stored = await test.server.store.clients.find('app')
    await test.server.store.clients.insert({ ...stored, client_id: 'stored', jwks: { keys } } as never)
    // Under the identity, the identity and zero fit every message.
    const signature = Buffer.concat([identity, Buffer.alloc(32)]).toString('base64url')
    for (const id of ['far', 'stored']) await refused(`${b64({ alg: 'EdDSA' })}.${b64({ ...claims(), iss: id, sub: id })}.${signature}`)
  })

  test('an X25519 key of small order, with which every secret is zero, is not registered', async () => {
    for (const hex of [
      '00'.repeat(32),
      `01${'00'.repeat(31)}`,
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157'
    ]) {
      const key = { kty: 'OKP', crv: 'X25519', use: 'enc', x: Buffer.from(hex, 'hex').toString('base64url') } as JsonWebKey
      await expect(ready('EdDSA', { jwks: { keys: [key] } })).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    }
  })

  test('is refused where S is not below the order of the group, or nothing', async () => {
    const { sign, refused, ask } = await ready('EdDSA')
    const more = (signature: Buffer) =>
      Buffer.concat([signature.subarray(0, 32), bytes(number(Buffer.from(signature.subarray(32)).reverse()) + ED25519_ORDER).reverse()])
    for (const change of [more, () => Buffer.alloc(64), (signature: Buffer) => signature.subarray(0, 63)])
      await refused(resigned(await sign(), change))
    expect((await ask(await sign())).status).toBe(200)
  })
})

describe('CA-12 a MAC', () => {
  test.each([
    ['RS256', 'private_key_jwt alone', []],
    ['RS256', 'client_secret_jwt beside it', [clientSecretJwt]],
    ['ES256', 'client_secret_jwt beside it', [clientSecretJwt]]
  ])('under the %s public key as PEM, DER or JWK is no signature, with %s', async (alg, _, extensions) => {
    const { jwk, claims, refused } = await ready(alg, {}, { extensions })
    const key = createPublicKey({ key: jwk as JWK & { kty: string }, format: 'jwk' })
    const pem = key.export({ format: 'pem', type: 'spki' }) as string
    const secrets = [pem, pem.trim(), JSON.stringify(jwk), jwk.n ?? jwk.x ?? ''].map((text) => new TextEncoder().encode(text.padEnd(64)))
    for (const secret of [...secrets, new TextEncoder().encode(pem), key.export({ format: 'der', type: 'spki' })]) {
      for (const mac of ['HS256', 'HS384', 'HS512'])
        await refused(await new SignJWT(claims()).setProtectedHeader({ alg: mac }).sign(secret))
    }
  })
})

describe('CA-12 the alg of the header', () => {
  test.each([
    ['ES256', 'RS256'],
    ['ES256', 'PS256'],
    ['PS256', 'RS256'],
    ['RS256', 'PS256'],
    ['RS256', 'RS384'],
    ['ES256', 'EdDSA']
  ])('does not count against the registration: %s is registered, and a right %s refused', async (registered, used) => {
    const signer = await generateKeyPair(used, { extractable: true })
    const jwks = { keys: [(await exportJWK(signer.publicKey)) as JsonWebKey] }
    const { claims, refused } = await ready(registered, { jwks, token_endpoint_auth_signing_alg: registered })
    await refused(await new SignJWT(claims()).setProtectedHeader({ alg: used }).sign(signer.privateKey))
  })

  test('is one of those that are known, as a text', async () => {
    const { sign, refused } = await ready('ES256')
    const [, payload, signature] = (await sign()).split('.')
    for (const alg of [
      'none',
      'None',
      'nOnE',
      'NONE',
      'es256',
      'ES256 ',
      '',
      0,
      null,
      ['ES256'],
      { alg: 'ES256' },
      'RS1',
      'ES256K',
      undefined
    ])
      for (const end of ['', signature]) await refused(`${b64({ alg })}.${payload}.${end}`)
  })
})
