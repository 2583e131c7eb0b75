import { describe, expect, test } from 'vitest'
import { type AuthorizationServerOptions, type DpopOptions, dpop, MemoryStore } from '../src/index.ts'
import { ask, askUserinfo, dpopServer, makeProof, newKey, type ProofKey, personTokens } from './dpop-support.ts'
import { basic, expectTokenError, ISSUER, TestServer } from './support.ts'

const MACHINE = { grant_type: 'client_credentials', scope: 'read' }
const SECRET = 'a secret of the server, 32 characters or more'

/** A server, and a way to start others over its store. */
async function cluster(options: DpopOptions = {}) {
  const store = new MemoryStore()
  const first = await dpopServer(options, { store, secret: SECRET })
  const node = (changed: Partial<AuthorizationServerOptions> = {}) => {
    const other = new TestServer({ store, secret: SECRET, extensions: [dpop(options)], ...changed })
    other.now = first.test.now
    return other
  }
  return { ...first, store, node }
}

describe('DP-06 iat', () => {
  test.each([-60, -59, 0, 10, 30])('%d s from now is taken', async (offset) => {
    const { test, client, key } = await dpopServer()
    const proof = await makeProof(key, test.now, { claims: { iat: test.now + offset } })
    expect((await ask(test, client, MACHINE, proof)).status).toBe(200)
  })

  test.each([-61, 61, -3600, 3600, 31])('%d s from now is refused', async (offset) => {
    const { test, client, key } = await dpopServer()
    const proof = await makeProof(key, test.now, { claims: { iat: test.now + offset } })
    await expectTokenError(await ask(test, client, MACHINE, proof), 400, 'invalid_dpop_proof')
  })

  test.each([undefined, null, 'now', {}])('iat %j is none', async (iat) => {
    const { test, client, key } = await dpopServer()
    const text = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const [header] = (await makeProof(key, test.now)).split('.')
    const signed = `${header}.${text({ jti: 'x', htm: 'POST', htu: `${ISSUER}/token`, iat })}`
    const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key.privateKey, Buffer.from(signed))
    const proof = `${signed}.${Buffer.from(signature).toString('base64url')}`
    await expectTokenError(await ask(test, client, MACHINE, proof), 400, 'invalid_dpop_proof')
  })

  test('a proof of the future that is taken now stays spent for as long as it would be taken, on a node that is late, too', async () => {
    const { test, client, key, store, node } = await cluster()
    const [start, late] = [test.now, node()]
    const proof = await makeProof(key, start, { claims: { iat: start + 30 } })
    expect((await ask(test, client, MACHINE, proof)).status).toBe(200)
    for (let passed = 0; passed <= 130; passed += 5) {
      test.now = start + passed
      late.now = test.now - 30
      await store.purge(test.now, 1000)
      await expectTokenError(await ask(test, client, MACHINE, proof), 400, 'invalid_dpop_proof')
      await expectTokenError(await ask(late, client, MACHINE, proof), 400, 'invalid_dpop_proof')
    }
    expect(test.eventsOf('dpop_proof.replayed').length).toBeGreaterThan(10)
    expect(await store.purge(test.now, 1000)).toBe(0)
  })
})

describe('a proof at several nodes', () => {
  test('DP-04 is used once: twenty senders at the same moment, two nodes, one winner', async () => {
    const { test, client, key, node } = await cluster()
    const nodes = [test, node()]
    for (let round = 0; round < 10; round++) {
      const proof = await makeProof(key, test.now)
      const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(nodes[i % 2] as TestServer, client, MACHINE, proof)))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(answers.filter(({ status }) => status === 400)).toHaveLength(19)
    }
  })
})

describe('DP-07 nonces', () => {
  /** A proof with this nonce; what the server says to it, and the nonce that came back. */
  async function send(test: TestServer, client: { client_id: string; client_secret?: string }, key: ProofKey, nonce?: unknown) {
    const response = await ask(test, client, MACHINE, await makeProof(key, test.now, { claims: { nonce } }))
    return { status: response.status, nonce: response.headers.get('dpop-nonce') ?? undefined, error: (await response.json()).error }
  }
  const challenged = { status: 400, error: 'use_dpop_nonce', nonce: expect.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]+$/) }

  test('RFC 9449 §8: without one the answer is use_dpop_nonce with a DPoP-Nonce, which the next proof is taken with', async () => {
    const { test, client, key } = await cluster({ nonces: true })
    const first = await send(test, client, key)
    expect(first).toEqual(challenged)
    expect(await send(test, client, key, first.nonce)).toEqual({ status: 200 })
    expect(await send(test, client, key, first.nonce)).toEqual({ status: 200 })
  })

  test('off by default: none is asked for, none is given, one that comes is ignored', async () => {
    const { test, client, key } = await cluster()
    expect(await send(test, client, key, 'anything')).toEqual({ status: 200 })
  })

  test('forged, altered, of another type: refused with a fresh one', async () => {
    const { test, client, key } = await cluster({ nonces: true })
    const { nonce = '' } = await send(test, client, key)
    const [period = '', mac = ''] = nonce.split('.')
    const next = (Number.parseInt(period, 36) + 1).toString(36)
    for (const bad of ['', 'x', 7, [nonce], { nonce }, `${nonce}x`, `0${nonce}`, period, `${next}.${mac}`, `${period}.${'A'.repeat(43)}`])
      expect(await send(test, client, key, bad)).toEqual(challenged)
  })

  test('of another server with the same secret, and of another key: refused with a fresh one', async () => {
    const { test, client, key, node } = await cluster({ nonces: true })
    const elsewhere = await dpopServer({ nonces: true }, { issuer: 'https://other.example.com', secret: SECRET })
    const htu = 'https://other.example.com/token'
    const foreign = await ask(elsewhere.test, elsewhere.client, MACHINE, await makeProof(key, test.now, { claims: { htu } }))
    expect(await send(test, client, key, foreign.headers.get('dpop-nonce'))).toEqual(challenged)
    const { nonce } = await send(test, client, key)
    expect(await send(test, client, await newKey(), nonce)).toEqual(challenged)
    expect(await send(node({ secret: 'another secret of 32 characters or more' }), client, key, nonce)).toMatchObject({
      error: expect.any(String)
    })
  })

  test('every node knows it, after a restart, too, and after the secret was rotated', async () => {
    const { test, client, key, node } = await cluster({ nonces: true })
    const { nonce } = await send(test, client, key)
    expect(await send(node(), client, key, nonce)).toEqual({ status: 200 })
    expect(await send(node({ secret: ['a new secret of 32 characters or more!', SECRET] }), client, key, nonce)).toEqual({ status: 200 })
  })

  test('the one before is taken for at least one more window, and the answer brings the next; then it is refused', async () => {
    const { test, client, key } = await cluster({ nonces: true, nonceLifetime: 100 })
    test.now = Math.ceil(test.now / 100) * 100
    const { nonce } = await send(test, client, key)
    test.now += 99
    expect(await send(test, client, key, nonce)).toEqual({ status: 200 })
    test.now += 1
    const renewed = await send(test, client, key, nonce)
    expect(renewed).toEqual({ status: 200, nonce: challenged.nonce })
    test.now += 99
    expect((await send(test, client, key, nonce)).status).toBe(200)
    expect(await send(test, client, key, renewed.nonce)).toEqual({ status: 200 })
    test.now += 1
    expect(await send(test, client, key, nonce)).toEqual(challenged)
  })

  test('RFC 9449 §4.3 (11): the nonce says how old the proof is, and a client with a wrong clock is served', async () => {
    const { test, client, key, store } = await cluster({ nonces: true, nonceLifetime: 100 })
    const { nonce } = await send(test, client, key)
    const start = test.now
    const proof = await makeProof(key, 0, { claims: { nonce } })
    expect((await ask(test, client, MACHINE, proof)).status).toBe(200)
    for (; test.now < start + 300; test.now += 20) {
      await store.purge(test.now, 1000)
      expect((await ask(test, client, MACHINE, proof)).status).toBe(400)
    }
  })

  test('DP-15 of a node whose clock is 90 s ahead it is taken by the others, and a proof is used once', async () => {
    const { test, client, key, node } = await cluster({ nonces: true, nonceLifetime: 100 })
    const ahead = node()
    ahead.now += 90
    const { nonce } = await send(ahead, client, key)
    const proof = await makeProof(key, test.now, { claims: { nonce } })
    expect((await ask(test, client, MACHINE, proof)).status).toBe(200)
    await expectTokenError(await ask(ahead, client, MACHINE, proof), 400, 'invalid_dpop_proof')
  })

  test('RFC 9449 §9: at a resource the answer is 401 with the challenge use_dpop_nonce', async () => {
    const { test, client, key } = await dpopServer({ nonces: true })
    const { nonce } = await send(test, client, key)
    const code = await test.code({ client_id: 'machine', scope: 'openid' })
    const params = { grant_type: 'authorization_code', code, redirect_uri: 'https://client.example.com/cb' }
    const proof = await makeProof(key, test.now, { claims: { nonce } })
    const verifier = 'a-verifier-of-forty-three-characters-or-more'
    const { access_token } = await (await ask(test, client, { ...params, code_verifier: verifier }, proof)).json()
    const response = await askUserinfo(test, access_token, key)
    expect(response.headers.get('www-authenticate')).toMatch(/^DPoP error="use_dpop_nonce", /)
    const fresh = response.headers.get('dpop-nonce')
    await expectTokenError(response, 401, 'use_dpop_nonce')
    expect((await askUserinfo(test, access_token, key, { claims: { nonce: fresh } })).status).toBe(200)
  })

  test('with a code bound by dpop_jkt the challenge costs no attempt of the code', async () => {
    const { test, spa, key } = await dpopServer({ nonces: true })
    for (let i = 0; i < 6; i++) expect(await personTokens(test, spa, key, { dpop_jkt: key.jkt })).toMatchObject({ error: 'use_dpop_nonce' })
  })
})

describe('DP-14 the store stays bounded', () => {
  test('more proofs of one client from one address than the limit are answered 429, and stored no more', async () => {
    const { test, client, key, store } = await cluster({ proofLimit: 5 })
    const send = async (address: string) => {
      const proof = await makeProof(key, test.now)
      const params = new URLSearchParams(MACHINE).toString()
      const headers = new Headers({
        ...basic(client.client_id, client.client_secret ?? ''),
        dpop: proof,
        'content-type': 'application/x-www-form-urlencoded'
      })
      return test.server.respond({ method: 'POST', url: '/token', headers, body: async () => params, remote: { address } })
    }
    const answers = []
    for (let i = 0; i < 8; i++) answers.push((await send('192.0.2.1'))?.status)
    expect(answers).toEqual([200, 200, 200, 200, 200, 429, 429, 429])
    expect((await send('192.0.2.1'))?.headers['retry-after']).toBe('60')
    expect((await send('192.0.2.2'))?.status).toBe(200)
    test.now += 60
    expect((await send('192.0.2.1'))?.status).toBe(200)
    test.now += 3600 + 90
    // Seven proofs and seven tokens; nothing of them is left.
    expect(await store.purge(test.now, 1000)).toBe(14)
  })
})
