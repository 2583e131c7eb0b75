import { constants, generateKeyPairSync, sign } from 'node:crypto'
import { exportJWK, SignJWT, UnsecuredJWT } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { ask, askUserinfo, dpopServer, hashOf, makeProof, newKey, type ProofParts, personTokens, TOKEN, USERINFO } from './dpop-support.ts'
import { expectTokenError, START } from './support.ts'

const MACHINE = { grant_type: 'client_credentials', scope: 'read' }

let server: Awaited<ReturnType<typeof dpopServer>>
let token: string
beforeAll(async () => {
  server = await dpopServer()
  token = (await personTokens(server.test, server.client, server.key)).access_token
})

/** Refused at the token endpoint, and by the same rule at a resource. */
async function refused(proof: string, atResource = proof): Promise<void> {
  const { test, client } = server
  await expectTokenError(await ask(test, client, MACHINE, proof), 400, 'invalid_dpop_proof')
  const headers = { authorization: `DPoP ${token}`, dpop: atResource }
  await expectTokenError(await test.fetch('/userinfo', { headers }), 401, 'invalid_dpop_proof')
}

async function proofs({ claims, header }: ProofParts, key = server.key): Promise<[string, string]> {
  const resource = { htm: 'GET', htu: USERINFO, ath: await hashOf(token), ...claims }
  return [
    await makeProof(key, START, { claims: claims ?? {}, header: header ?? {} }),
    await makeProof(key, START, { claims: resource, header: header ?? {} })
  ]
}

describe('DP-01 one JWT in one header', () => {
  test('two headers, comma-joined', async () => {
    const [[one, atOne], [two, atTwo]] = [await proofs({}), await proofs({})]
    await refused(`${one}, ${two}`, `${atOne}, ${atTwo}`)
    await refused(`${one},${two}`)
    const { test, client } = server
    const headers = new Headers([
      ['dpop', one],
      ['dpop', two]
    ])
    const credentials = new URLSearchParams({ ...MACHINE, client_id: client.client_id, client_secret: client.client_secret ?? '' })
    await expectTokenError(await test.fetch('/token', { method: 'POST', body: credentials, headers }), 400, 'invalid_dpop_proof')
  })

  test.each(['', 'x', 'a.b', 'a.b.c', 'e30.e30.', '..', 'a.b.c.d.e', `${'a'.repeat(100 * 1024)}.b.c`])('not a JWS: %#', async (proof) => {
    await refused(proof)
  })

  test('a claims set that is no object', async () => {
    const text = (value: string) => Buffer.from(value).toString('base64url')
    const { privateKey, jwk } = server.key
    for (const payload of ['[]', '"x"', 'null', '{']) {
      const signed = `${text(JSON.stringify({ typ: 'dpop+jwt', alg: 'ES256', jwk }))}.${text(payload)}`
      const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, Buffer.from(signed))
      await refused(`${signed}.${Buffer.from(signature).toString('base64url')}`)
    }
  })
})

describe('DP-02 typ, alg and jwk of the header', () => {
  test.each([undefined, 'jwt', 'JWT', 'DPoP+JWT', 'application/dpop+jwt', 'at+jwt', 7])('typ %s', async (typ) => {
    await refused(...(await proofs({ header: { typ } })))
  })

  test('alg none', async () => {
    const claims = { jti: 'none', htm: 'POST', htu: TOKEN, iat: START }
    await refused(new UnsecuredJWT(claims).encode())
    const header = { typ: 'dpop+jwt', alg: 'none', jwk: server.key.jwk }
    const text = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    await refused(`${text(header)}.${text(claims)}.x`)
  })

  test('alg HS256 with a symmetric key', async () => {
    const k = Buffer.alloc(32, 7)
    const header = { typ: 'dpop+jwt', alg: 'HS256', jwk: { kty: 'oct', k: k.toString('base64url') } }
    const proof = await new SignJWT({ jti: 'mac', htm: 'POST', htu: TOKEN, iat: START }).setProtectedHeader(header).sign(k)
    await refused(proof)
  })

  test('alg RS256, which is not of those by default, and RS1, which is of none', async () => {
    const rsa = await newKey('RS256')
    await refused(...(await proofs({}, rsa)))
    await refused(
      rsaProof('RS1', generateKeyPairSync('rsa', { modulusLength: 2048 }), { algorithm: 'sha1', padding: constants.RSA_PKCS1_PADDING })
    )
    const { test, client } = await dpopServer({ algorithms: ['RS256'] })
    expect((await ask(test, client, MACHINE, await makeProof(rsa, START))).status).toBe(200)
    await expectTokenError(await ask(test, client, MACHINE, await makeProof(await newKey(), START)), 400, 'invalid_dpop_proof')
  })

  test.each(['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'EdDSA', 'Ed25519'])('alg %s is taken', async (alg) => {
    const { test, client } = server
    expect((await ask(test, client, MACHINE, await makeProof(await newKey(alg), test.now))).status).toBe(200)
  })

  test('RFC 9864 §2.2: where Ed25519 is taken, so is its other name', async () => {
    const { test, client } = await dpopServer({ algorithms: ['Ed25519'] })
    expect((await ask(test, client, MACHINE, await makeProof(await newKey('EdDSA'), test.now))).status).toBe(200)
  })

  test('jwk is missing, null, a text, a name only', async () => {
    for (const jwk of [undefined, null, 'key', [], {}, { kid: 'key' }, { kty: 'EC' }, { kty: 'XYZ' }])
      await refused(...(await proofs({ header: { jwk } })))
  })

  test('§4.3 (7) the jwk contains a private key, or a part of one', async () => {
    const { jwk, privateKey } = server.key
    await refused(...(await proofs({ header: { jwk: await exportJWK(privateKey) } })))
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])
      await refused(...(await proofs({ header: { jwk: { ...jwk, [member]: '' } } })))
  })

  test('§4.3 (6) the signature is of another key, or of another message', async () => {
    await refused(...(await proofs({ header: { jwk: (await newKey()).jwk } })))
    const [proof] = await proofs({})
    const [header, , signature] = proof.split('.')
    const other = (await proofs({ claims: { jti: 'x' } }))[0].split('.')[1]
    await refused(`${header}.${other}.${signature}`)
  })

  test('the key is on another curve than alg says, or on none', async () => {
    const p384 = await newKey('ES384')
    await refused(...(await proofs({ header: { jwk: p384.jwk } })))
    await refused(...(await proofs({ header: { jwk: { ...server.key.jwk, x: 'A'.repeat(43), y: 'A'.repeat(43) } } })))
  })

  test('the key is of small order, under which one signature fits every message', async () => {
    const identity = Buffer.concat([Buffer.from([1]), Buffer.alloc(31)])
    const forged = Buffer.concat([identity, Buffer.alloc(32)]).toString('base64url')
    const [proof, atResource] = await proofs({ header: { alg: 'ES256' } })
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: identity.toString('base64url') }
    const header = Buffer.from(JSON.stringify({ typ: 'dpop+jwt', alg: 'EdDSA', jwk })).toString('base64url')
    const forge = (one: string) => `${header}.${one.split('.')[1]}.${forged}`
    await refused(forge(proof), forge(atResource))
  })

  test('an RSA key of 1024 bits', async () => {
    const options = { algorithm: 'sha256', padding: constants.RSA_PKCS1_PSS_PADDING }
    await refused(rsaProof('PS256', generateKeyPairSync('rsa', { modulusLength: 1024 }), options))
    const { test, client } = server
    const proof = rsaProof('PS256', generateKeyPairSync('rsa', { modulusLength: 2048 }), options)
    expect((await ask(test, client, MACHINE, proof)).status).toBe(200)
  })

  test('members that nobody knows are ignored; a critical one is refused', async () => {
    const { test, client, key } = server
    const proof = await makeProof(key, test.now, { header: { kid: 'k', custom: 1 }, claims: { custom: { a: 1 } } })
    expect((await ask(test, client, MACHINE, proof)).status).toBe(200)
    const text = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk, crit: ['custom'], custom: 1 }
    const signed = `${text(header)}.${text({ jti: 'crit', htm: 'POST', htu: TOKEN, iat: START })}`
    const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key.privateKey, Buffer.from(signed))
    await refused(`${signed}.${Buffer.from(signature).toString('base64url')}`)
  })
})

describe('DP-03 htm and htu', () => {
  test.each([undefined, 'GETT', 'post', 'Post', 'PUT', 7, ['POST']])('htm %s is refused', async (htm) => {
    await refused(...(await proofs({ claims: { htm } })))
  })

  test.each([
    ...[undefined, 7, ['https://id.example.com/token'], { url: TOKEN }, '', 'token', '/token', '//id.example.com/token'],
    ...[
      'https://evil.example/token',
      'http://id.example.com/token',
      'https://id.example.com:8443/token',
      'https://id.example.com.evil/token'
    ],
    ...[`${TOKEN}/`, 'https://id.example.com/Token', 'https://id.example.com//token', 'https://id.example.com/token%2F', `${TOKEN}%20`],
    ...[
      'https://user@id.example.com/token',
      ` ${TOKEN}`,
      `${TOKEN}\n`,
      'https:\\\\id.example.com\\token',
      'https://id.example.com/tok\ten'
    ],
    ...['https://id.example.com', 'https://id.example.com/x/../../y/token', 'ftp://id.example.com/token', 'https://[::1/token']
  ])('htu %j is refused', async (htu) => {
    await refused(...(await proofs({ claims: { htu } })))
  })

  test.each([
    `${TOKEN}?a=b`,
    `${TOKEN}#fragment`,
    `${TOKEN}?`,
    'https://id.example.com:443/token',
    'https://id.example.com:/token',
    'HTTPS://ID.EXAMPLE.COM/token',
    'https://id.example.com/./token',
    'https://id.example.com/a/../token',
    'https://id.example.com/%2e/token',
    'https://id.example.com/a/%2E%2e/token',
    'https://id.example.com/tok%65n',
    'https://id.example.com/%74oken'
  ])('RFC 3986 §6.2.2, §6.2.3: htu %s is the same', async (htu) => {
    const { test, client, key } = server
    expect((await ask(test, client, MACHINE, await makeProof(key, test.now, { claims: { htu } }))).status).toBe(200)
  })

  test('the URL is that of the issuer, whatever Host says, with the prefix that a proxy takes from the path or leaves', async () => {
    const { test, client, key } = await dpopServer({}, { issuer: 'https://id.example.com/tenant' })
    const headers = { host: 'internal:8080', 'x-forwarded-host': 'evil.example', 'content-type': 'application/x-www-form-urlencoded' }
    const send = async (htu: string) => {
      const body = new URLSearchParams({ ...MACHINE, client_id: client.client_id, client_secret: client.client_secret ?? '' })
      const dpop = await makeProof(key, test.now, { claims: { htu } })
      const request = new Request('http://internal:8080/tenant/token', { method: 'POST', body, headers: { ...headers, dpop } })
      return (await test.server.handle(request)).status
    }
    expect(await send('https://id.example.com/tenant/token')).toBe(200)
    for (const htu of ['http://internal:8080/tenant/token', 'https://evil.example/tenant/token', 'https://id.example.com/token'])
      expect(await send(htu)).toBe(400)
  })
})

describe('DP-04 a proof is used once', () => {
  test('the same at the same node, and at another endpoint', async () => {
    const { test, client, key } = server
    const [proof] = await proofs({})
    expect((await ask(test, client, MACHINE, proof)).status).toBe(200)
    await expectTokenError(await ask(test, client, MACHINE, proof), 400, 'invalid_dpop_proof')
    expect(test.eventsOf('dpop_proof.replayed')).toContainEqual(expect.objectContaining({ jkt: key.jkt }))
    await refused(proof)
  })

  test('the same jti of the same key with another htm, htu or query is the same proof', async () => {
    const { test, client, key } = server
    const claims = { jti: 'one of this key', htu: TOKEN }
    expect((await ask(test, client, MACHINE, await makeProof(key, test.now, { claims }))).status).toBe(200)
    for (const htu of [`${TOKEN}?x`, TOKEN.toUpperCase().replace('/TOKEN', '/token')])
      await expectTokenError(
        await ask(test, client, MACHINE, await makeProof(key, test.now, { claims: { ...claims, htu } })),
        400,
        'invalid_dpop_proof'
      )
    await expectTokenError(await askUserinfo(test, token, key, { claims: { jti: 'one of this key' } }), 401, 'invalid_dpop_proof')
  })

  test('DP-05 the same jti of two keys is two proofs', async () => {
    const { test, client } = server
    const claims = { jti: 'the same' }
    for (const key of [await newKey(), await newKey()])
      expect((await ask(test, client, MACHINE, await makeProof(key, test.now, { claims }))).status).toBe(200)
  })

  test.each([undefined, '', 7, ['x']])('§4.3 (3) jti %s is none', async (jti) => {
    await refused(...(await proofs({ claims: { jti } })))
  })
})

/** A proof by an RSA key that no library would sign with. */
function rsaProof(
  alg: string,
  { publicKey, privateKey }: ReturnType<typeof generateKeyPairSync>,
  { algorithm, padding }: { algorithm: string; padding: number }
): string {
  const text = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const { kty, n, e } = publicKey.export({ format: 'jwk' })
  const signed = `${text({ typ: 'dpop+jwt', alg, jwk: { kty, n, e } })}.${text({ jti: `${alg}-${n}`, htm: 'POST', htu: TOKEN, iat: START })}`
  return `${signed}.${sign(algorithm, Buffer.from(signed), { key: privateKey, padding, saltLength: 32 }).toString('base64url')}`
}
