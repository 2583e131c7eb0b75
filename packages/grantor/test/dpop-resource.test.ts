import { describe, expect, test } from 'vitest'
import { SeenProofs } from '../src/extensions/dpop/seen-proofs.ts'
import { DpopResourceChecker, type DpopResourceOptions, OAuthError } from '../src/index.ts'
import { hashOf, makeProof, newKey, type ProofParts } from './dpop-support.ts'
import { START } from './support.ts'

const API = 'https://api.example.com/orders'
const TOKEN = 'an.access.token'

async function ready(options: DpopResourceOptions = {}) {
  let now = START
  const key = await newKey()
  const checker = new DpopResourceChecker({ clock: () => now * 1000, ...options })
  const request = async (parts: ProofParts = {}, authorization = `DPoP ${TOKEN}`) => {
    const claims = { htm: 'GET', htu: API, ath: await hashOf(TOKEN), ...parts.claims }
    const dpop = await makeProof(key, now, { ...parts, claims })
    return { method: 'GET', url: `${API}?page=2`, headers: new Headers({ authorization, dpop }) }
  }
  return { key, checker, request, cnf: { jkt: key.jkt }, pass: (seconds: number) => (now += seconds) }
}

/** The refusal: its error, status and headers. */
async function refusal(judgement: Promise<unknown>): Promise<{ error: string; status: number; headers: Record<string, string> }> {
  const error = await judgement.then(
    () => undefined,
    (thrown: unknown) => thrown
  )
  if (!(error instanceof OAuthError)) throw new Error(`not refused: ${error}`)
  return { error: error.error, status: error.status, headers: error.headers }
}

describe('a checker for APIs', () => {
  test('takes a bound token with a proof of its key, and a bearer token as such', async () => {
    const { checker, request, cnf } = await ready()
    expect(checker.token(await request())).toBe(TOKEN)
    expect(await checker.check(await request(), { cnf })).toEqual({})
    expect(await checker.check(await request({}, `Bearer ${TOKEN}`), {})).toEqual({})
  })

  test('DP-09 never takes one for the other', async () => {
    const { checker, request, cnf } = await ready()
    const asBearer = await refusal(checker.check(await request({}, `Bearer ${TOKEN}`), { cnf }))
    expect(asBearer).toMatchObject({ error: 'invalid_token', status: 401 })
    expect(asBearer.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token".*, DPoP algs="ES256 /)
    for (const claims of [{}, { cnf: null }, { cnf: { 'x5t#S256': 'x' } }, { cnf: { jkt: 7 } }])
      expect(await refusal(checker.check(await request(), claims))).toMatchObject({ error: 'invalid_token', status: 401 })
    for (const authorization of ['', TOKEN, `Basic ${TOKEN}`, `DPoP ${TOKEN}, Bearer ${TOKEN}`])
      expect(await refusal(request({}, authorization).then((one) => checker.token(one)))).toMatchObject({
        error: 'invalid_token',
        status: 401
      })
  })

  test.each([
    ['DP-08 ath', { claims: { ath: 'x'.repeat(43) } }],
    ['DP-08 no ath', { claims: { ath: undefined } }],
    ['DP-03 htm', { claims: { htm: 'POST' } }],
    ['DP-03 htu', { claims: { htu: 'https://api.example.com/other' } }],
    ['DP-06 iat', { claims: { iat: START - 61 } }],
    ['DP-02 typ', { header: { typ: 'JWT' } }]
  ])('%s: 401 invalid_dpop_proof with a challenge', async (_, parts) => {
    const { checker, request, cnf } = await ready()
    const refused = await refusal(checker.check(await request(parts), { cnf }))
    expect(refused).toMatchObject({ error: 'invalid_dpop_proof', status: 401 })
    expect(refused.headers['www-authenticate']).toMatch(/^DPoP error="invalid_dpop_proof", .*algs="/)
  })

  test('another key, and no proof at all', async () => {
    const { checker, request, cnf } = await ready()
    const other = await newKey()
    expect(await refusal(checker.check(await request(), { cnf: { jkt: other.jkt } }))).toMatchObject({ error: 'invalid_dpop_proof' })
    const { headers, ...bare } = await request()
    headers.delete('dpop')
    expect(await refusal(checker.check({ ...bare, headers }, { cnf }))).toMatchObject({ error: 'invalid_dpop_proof', status: 401 })
  })

  test('DP-04 takes a proof once, for as long as it would be taken, and forgets it then', async () => {
    const { checker, request, cnf, pass } = await ready()
    const sent = await request({ claims: { iat: START + 30 } })
    expect(await checker.check(sent, { cnf })).toEqual({})
    for (let passed = 0; passed <= 130; passed += 10, pass(10))
      expect(await refusal(checker.check(sent, { cnf }))).toMatchObject({ error: 'invalid_dpop_proof' })
    expect(await checker.check(await request(), { cnf })).toEqual({})
  })

  test('DP-04 several processes share a memory', async () => {
    const seen = new Set<string>()
    const remember = async (id: string) => !seen.has(id) && seen.add(id).size > 0
    const { checker, request, cnf } = await ready({ remember })
    const other = new DpopResourceChecker({ remember, clock: () => START * 1000 })
    const sent = await request()
    const answers = await Promise.allSettled([checker, other, checker, other].map((one) => one.check(sent, { cnf })))
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  test('DP-14 the memory of one process is bounded: when it is full nothing is taken, until what is old has gone', () => {
    let now = 0
    const seen = new SeenProofs(() => now)
    for (let i = 0; i < 100_000; i++) seen.add(String(i), 60)
    expect(seen.add('7', 60)).toBe(false)
    expect(() => seen.add('one more', 60)).toThrow('too many proofs')
    now = 61
    expect([seen.add('one more', 121), seen.add('7', 121)]).toEqual([true, true])
  })

  test('DP-07 nonces of its own, on every node with the same secret', async () => {
    const nonces = { secret: 'a secret of the API, 32 characters or more', lifetime: 100 }
    const { checker, request, cnf, pass } = await ready({ nonces })
    const refused = await refusal(checker.check(await request(), { cnf }))
    expect(refused).toMatchObject({ error: 'use_dpop_nonce', status: 401 })
    expect(refused.headers['www-authenticate']).toMatch(/^DPoP error="use_dpop_nonce"/)
    const nonce = refused.headers['dpop-nonce']
    expect(await checker.check(await request({ claims: { nonce } }), { cnf })).toEqual({})
    const other = new DpopResourceChecker({ nonces, clock: () => START * 1000 })
    expect(await other.check(await request({ claims: { nonce } }), { cnf })).toEqual({})
    pass(100)
    expect(await checker.check(await request({ claims: { nonce } }), { cnf })).toEqual({ 'dpop-nonce': expect.any(String) })
    pass(100)
    expect(await refusal(checker.check(await request({ claims: { nonce } }), { cnf }))).toMatchObject({ error: 'use_dpop_nonce' })
  })
})
