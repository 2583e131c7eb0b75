import { crc32 } from 'node:zlib'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { describe, expect, test, vi } from 'vitest'
import {
  type AuthorizationServerOptions,
  backChannelLogout,
  dynamicRegistration,
  type Extension,
  InitialAccessTokens,
  MemoryStore,
  openid,
  rpInitiatedLogout,
  type Signer
} from '../src/index.ts'
import { AUTHENTICATION, openIdServer, SCOPE } from './openid-support.ts'
import { expectTokenError, ISSUER, REDIRECT_URI, TestServer } from './support.ts'

const OFFLINE = { ...AUTHENTICATION, scope: 'openid offline_access' }
const b64 = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** A provider all of whose tokens that can be are JWTs, what it issued, and every place where one of its JWTs comes back. */
async function issued(options: Partial<AuthorizationServerOptions> = {}) {
  const extensions = [dynamicRegistration(), rpInitiatedLogout(), backChannelLogout(), ...(options.extensions ?? [])]
  const { test, client } = await openIdServer({}, { accessTokenFormat: 'jwt', ...options, extensions })
  const tokens = await (await test.redeem(client, await test.code(OFFLINE))).json()
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
  const places = {
    introspection: async (token: string) => (await test.introspect(client, token))['active'] === true,
    userinfo: async (token: string) => (await test.fetch('/userinfo', bearer(token))).status === 200,
    registration: async (token: string) => {
      const headers = { ...bearer(token).headers, 'content-type': 'application/json' }
      const response = await test.fetch('/register', { method: 'POST', headers, body: JSON.stringify({ redirect_uris: [REDIRECT_URI] }) })
      return response.status === 201
    },
    hint: async (token: string) => {
      const response = await test.authorize({ ...AUTHENTICATION, prompt: 'none', id_token_hint: token })
      if (response.headers.get('location')?.includes('code=')) return true
      expect(response.headers.get('location')).toContain('error=invalid_request')
      return false
    }
  }
  /** Where the token is accepted. */
  const accepting = async (token: string) => {
    const names: string[] = []
    for (const [name, isAccepted] of Object.entries(places)) if (await isAccepted(token)) names.push(name)
    return names
  }
  return { test, client, tokens, accepting }
}

/** A signer whose private key the test has. */
async function ownSigner(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const publicJwk = await exportJWK(publicKey)
  const { subtle } = globalThis.crypto
  const signer: Signer = {
    kid,
    alg: 'ES256',
    publicJwk: publicJwk as JsonWebKey,
    sign: async (data) =>
      Buffer.from(await subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, new TextEncoder().encode(data))).toString('base64url')
  }
  return { signer, privateKey, publicJwk }
}

describe('JW-01: what one of our tokens is for, no other is', () => {
  test('each is accepted in its own places, and nowhere else', async () => {
    const { test, tokens, accepting } = await issued()
    const { token: initial } = await new InitialAccessTokens(test.server).create()
    expect(await accepting(tokens.access_token)).toEqual(['introspection', 'userinfo'])
    expect(await accepting(tokens.id_token)).toEqual(['hint'])
    expect(await accepting(initial)).toEqual(['registration'])
    expect(await accepting(tokens.refresh_token)).toEqual(['introspection'])
    const { token } = await new InitialAccessTokens(test.server).create()
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ redirect_uris: [REDIRECT_URI] })
    const registered = await (await test.fetch('/register', { method: 'POST', headers, body })).json()
    expect(await accepting(registered.registration_access_token)).toEqual([])
    const { registration_client_uri: uri } = registered
    for (const wrong of [tokens.access_token, tokens.id_token, tokens.refresh_token, registered.client_secret, token])
      expect((await test.fetch(uri, { headers: { authorization: `Bearer ${wrong}` } })).status).toBe(401)
  })

  test('a JWT of another type, signed with our own key for the same client, passes for none: logout token, assertion, request object', async () => {
    const { signer, privateKey, publicJwk } = await ownSigner('ours')
    const { test, accepting } = await issued({ signers: [signer] })
    const claims = { iss: ISSUER, sub: 'alice', aud: 'app', client_id: 'app', scope: 'openid', jti: 'j', sid: 's1' }
    const sign = (typ: string | undefined) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', kid: 'ours', ...(typ !== undefined && { typ }) })
        .setIssuedAt(test.now)
        .setExpirationTime(test.now + 600)
        .sign(privateKey)
    // The control: with the right type each is one of ours.
    expect(await accepting(await sign('at+jwt'))).toContain('introspection')
    expect(await accepting(await sign('JWT'))).toEqual(['hint'])
    const others = [
      'logout+jwt',
      'oauth-authz-req+jwt',
      'dpop+jwt',
      'client-authentication+jwt',
      'token-introspection+jwt',
      'AT+JWT',
      undefined
    ]
    for (const typ of others) expect({ typ, where: await accepting(await sign(typ)) }).toEqual({ typ, where: [] })
    // A client that shares a key with us, even so: our logout token names neither it as issuer nor us as audience.
    const jwks = { keys: [publicJwk as JsonWebKey] }
    await test.client({ client_id: 'signs', token_endpoint_auth_method: 'private_key_jwt', jwks })
    const form = {
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await sign('logout+jwt')
    }
    await expectTokenError(await test.post('/token', form), 401, 'invalid_client')
  })

  test('a JWT of another issuer that has the same keys is none of ours', async () => {
    const signers = [(await ownSigner('shared')).signer]
    const [here, there] = [await issued({ signers }), await issued({ signers, issuer: 'https://other.example' })]
    for (const name of ['access_token', 'id_token']) {
      expect(await there.accepting(there.tokens[name])).not.toEqual([])
      expect(await here.accepting(there.tokens[name])).toEqual([])
    }
  })
})

describe('JW-02: our own JWTs are verified with our keys and under their algorithms', async () => {
  const attacker = await generateKeyPair('ES256', { extractable: true })
  const attackerJwk = await exportJWK(attacker.publicKey)

  test.each(['at+jwt', 'JWT'])('%s with alg none, a MAC under our public key, a key in its header, a kid that is a path', async (typ) => {
    const { test, tokens, accepting } = await issued({ extensions: [] })
    const genuine: string = typ === 'JWT' ? tokens.id_token : tokens.access_token
    expect(await accepting(genuine)).not.toEqual([])
    const [header = '', payload = '', signature = ''] = genuine.split('.')
    const { alg, kid } = JSON.parse(Buffer.from(header, 'base64url').toString())
    const { keys } = await (await test.fetch('/jwks')).json()
    const ours: JWK = keys.find((key: JWK) => key.kid === kid)
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const by = (more: object, key: Parameters<SignJWT['sign']>[0] = attacker.privateKey) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ, ...more }).sign(key)
    const macs = [JSON.stringify(ours), JSON.stringify({ keys }), ours.n ?? ours.x ?? '', kid]
    const forged = [
      ...['none', 'None', 'nOnE', ''].flatMap((none) => [
        `${b64({ alg: none, typ, kid })}.${payload}.`,
        `${b64({ alg: none, typ })}.${payload}.${signature}`
      ]),
      ...(await Promise.all(macs.map((key) => by({ alg: 'HS256', kid }, new TextEncoder().encode(key.padEnd(32)))))),
      await by({ jwk: attackerJwk }),
      await by({ jwk: attackerJwk, kid }),
      await by({ jku: 'https://evil.example/jwks', kid }),
      await by({ x5u: 'https://evil.example/x', x5c: ['AAAA'], kid }),
      ...(await Promise.all(
        ['../../etc/passwd', '/dev/null', "' OR 1=1 --", '__proto__', '', 'x'.repeat(8000)].map((path) => by({ kid: path }))
      )),
      // r = s = 0, and what is left out.
      `${header}.${payload}.${'A'.repeat(signature.length)}`,
      `${header}.${payload}.`,
      // An algorithm that our keys do not sign with, and a header that must be understood.
      `${b64({ alg: alg === 'RS256' ? 'PS256' : 'ES384', typ, kid })}.${payload}.${signature}`,
      `${b64({ alg, typ, kid, crit: ['x'], x: 1 })}.${payload}.${signature}`,
      `${b64({ alg: [alg], typ, kid })}.${payload}.${signature}`
    ]
    for (const token of forged) expect({ token, where: await accepting(token) }).toEqual({ token, where: [] })
    // The same at the end of a session: nobody is signed out, nobody is sent anywhere.
    if (typ !== 'JWT') return
    for (const token of forged) {
      const query = new URLSearchParams({ id_token_hint: token, post_logout_redirect_uri: REDIRECT_URI })
      const response = await test.fetch(`/logout?${query}`)
      expect([response.status, response.headers.get('location')]).toEqual([400, null])
    }
    expect(test.session).toBeDefined()
  })
})

describe('JW-03: a token is the one text that was issued', () => {
  test.each(['opaque', 'jwt'])(
    '%s: bits that decode to nothing, padding, blanks, a truncation, another case, an encoding',
    async (accessTokenFormat) => {
      const { test, client, tokens, accepting } = await issued({ accessTokenFormat })
      const token: string = tokens.access_token
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
      const last = alphabet.indexOf(token.at(-1) ?? '')
      const parts = token.split('.')
      const altered = [
        ...[1, 2, 3].map((bits) => token.slice(0, -1) + alphabet.charAt(last ^ bits)),
        ...['=', '==', ' ', '\n', '.', '%', '\u00a0', 'A'].flatMap((more) => [token + more, more + token]),
        ...[1, 2, 3, 6, 7, 12, 49].map((count) => token.slice(0, -count)),
        token.slice(1),
        token.toUpperCase(),
        token.charAt(0).toUpperCase() + token.slice(1),
        encodeURIComponent(encodeURIComponent(`${token}.`)).replaceAll('.', '%252E'),
        token.replace('_', '%5F').replaceAll('.', '%2E'),
        token.replaceAll('_', '/').replaceAll('-', '+').replaceAll('.', ','),
        parts.map((part) => `${part}=`).join('.')
      ].filter((one) => one !== token)
      for (const one of altered) {
        expect({ one, answer: await test.introspect(client, one) }).toEqual({ one, answer: { active: false } })
        // RFC 9110 §5.5: blanks around the value of a header are no part of it, so they do not come to the server.
        if (/^[\x21-\x7e]+$/.test(one)) expect({ one, where: await accepting(one) }).toEqual({ one, where: [] })
      }
      expect(await accepting(token)).toEqual(['introspection', 'userinfo'])
    }
  )
})

test.each(['opaque', 'jwt'])('RFC 7009 §2: what is issued can be revoked, however much the %s token says', async (accessTokenFormat) => {
  const saying: Extension = () => ({ validateTokenRequest: async ({ params }) => ({ note: 'x'.repeat(Number(params.get('length'))) }) })
  const test = new TestServer({ accessTokenFormat, extensions: [saying] })
  const client = await test.client()
  const ask = async (length: number) => test.token(client, { grant_type: 'client_credentials', length: String(length) })
  for (const length of [1000, 11_000]) {
    const { access_token } = await (await ask(length)).json()
    expect(await test.introspect(client, access_token)).toMatchObject({ active: true, note: expect.any(String) })
    await test.post('/revoke', { token: access_token, client_id: 'app', client_secret: client.client_secret ?? '' })
    expect(await test.introspect(client, access_token)).toEqual({ active: false })
  }
  // A JWT of this length would not be looked at when it comes back.
  const long = await ask(13_000)
  if (accessTokenFormat === 'jwt') await expectTokenError(long, 400, 'invalid_request')
  else expect(long.status).toBe(200)
})

describe('JW-12: a JWT without kid costs no search', () => {
  test('with fifty keys of its algorithm not one is tried', async () => {
    const keys = await Promise.all(Array.from({ length: 50 }, (_, index) => ownSigner(`key-${index}`)))
    const { test, accepting } = await issued({ signers: keys.map(({ signer }) => signer) })
    expect((await (await test.fetch('/jwks')).json()).keys.filter(({ alg }: JWK) => alg === 'ES256')).toHaveLength(50)
    const claims = { iss: ISSUER, sub: 'alice', aud: 'app', client_id: 'app', scope: 'openid', jti: 'j', exp: test.now + 60, iat: test.now }
    const sign = (header: object) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', ...header }).sign(keys[37]?.privateKey as CryptoKey)
    expect(await accepting(await sign({ kid: 'key-37' }))).toContain('introspection')
    const nameless = await sign({})
    const verify = vi.spyOn(globalThis.crypto.subtle, 'verify')
    try {
      expect(await accepting(nameless)).toEqual([])
      expect(verify).not.toHaveBeenCalled()
    } finally {
      verify.mockRestore()
    }
  })

  test('of a client those that fit are tried, and it has at most twenty', async () => {
    const test = new TestServer()
    const keys = await Promise.all(Array.from({ length: 21 }, () => ownSigner('same')))
    const jwks = (count: number) => ({ keys: keys.slice(0, count).map(({ publicJwk }) => publicJwk as JsonWebKey) })
    const metadata = { token_endpoint_auth_method: 'private_key_jwt', grant_types: ['client_credentials'] }
    await expect(test.client({ ...metadata, jwks: jwks(21) })).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    await test.client({ ...metadata, jwks: jwks(20) })
    const ask = async (index: number) => {
      const assertion = new SignJWT({ iss: 'app', sub: 'app', aud: ISSUER, jti: String(index), exp: test.now + 60 })
      const client_assertion = await assertion.setProtectedHeader({ alg: 'ES256' }).sign(keys[index]?.privateKey as CryptoKey)
      const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
      return test.post('/token', { grant_type: 'client_credentials', client_assertion_type, client_assertion })
    }
    expect((await ask(19)).status).toBe(200)
    const verify = vi.spyOn(globalThis.crypto.subtle, 'verify')
    try {
      await expectTokenError(await ask(20), 401, 'invalid_client')
      expect(verify).toHaveBeenCalledTimes(20)
    } finally {
      verify.mockRestore()
    }
  })
})

describe('JW-13: an opaque token can be told from any other text', () => {
  test('prefix, id, 256 random bits and a CRC-32: a scanner needs no look-up', async () => {
    const test = new TestServer({
      store: new MemoryStore(),
      extensions: [openid({ claims: async () => ({}) }), dynamicRegistration({ access: 'open' })]
    })
    const client = await test.client({ scope: SCOPE })
    const mint = async () => {
      const code = await test.code(OFFLINE)
      const { access_token, refresh_token } = await (await test.redeem(client, code)).json()
      const { token } = await new InitialAccessTokens(test.server).create()
      const headers = { 'content-type': 'application/json' }
      const body = JSON.stringify({ redirect_uris: [REDIRECT_URI] })
      const { registration_access_token } = await (await test.fetch('/register', { method: 'POST', headers, body })).json()
      return [code, access_token, refresh_token, token, registration_access_token] as string[]
    }
    const minted = [...(await mint()), ...(await mint())]
    expect(minted.map((token) => token.slice(0, 4))).toEqual([
      'gac_',
      'gat_',
      'grt_',
      'gia_',
      'gra_',
      'gac_',
      'gat_',
      'grt_',
      'gia_',
      'gra_'
    ])
    for (const token of minted) {
      expect(token).toMatch(/^g(?:ac|at|rt|ia|ra)_[A-Za-z0-9_-]{73}$/)
      // Computed by another than the one who wrote it: six digits to the base 64, A to Z, a to z, 0 to 9, - and _.
      const digits = [...token.slice(-6)].map((one) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.indexOf(one))
      expect(digits.reduce((sum, digit) => sum * 64 + digit, 0)).toBe(crc32(token.slice(0, -6)))
    }
    const secrets = minted.map((token) => Buffer.from(token.slice(28, 71), 'base64url'))
    expect(secrets.map((secret) => secret.length)).toEqual(minted.map(() => 32))
    expect(new Set(secrets.map((secret) => secret.toString('hex'))).size).toBe(10)
  })
})
