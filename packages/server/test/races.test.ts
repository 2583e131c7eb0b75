import { SignJWT } from 'jose'
import { generateKeyPair, PrivateKeyJwt } from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PostgresServer } from '../../sql/test/postgres.ts'
import { Nodes } from './faults/deployment.ts'
import { type Answer, Ledger } from './faults/ledger.ts'
import { grantor } from './process.ts'

const TRIALS = Number(process.env.TRIALS ?? 40)
const RACERS = 20
const AT_ONCE = 6

const report: string[] = []
afterAll(() => console.log(report.join('\n')))

/** Runs the trial so many times, a few at once. */
async function repeat(name: string, { requests }: { requests(): number }, trial: (turn: number) => Promise<void>): Promise<void> {
  const [start, before] = [performance.now(), requests()]
  let next = 0
  const work = async () => {
    while (next < TRIALS) await trial(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  report.push(
    `${name}: ${TRIALS} trials, ${requests() - before} requests, ${Math.round((performance.now() - start) / 1000)} s, 0 violations`
  )
}

const race = <T>(attempt: (racer: number) => Promise<T>) => Promise.all(Array.from({ length: RACERS }, (_, racer) => attempt(racer)))
const statusesOf = (answers: readonly (Answer | undefined)[]) => answers.map((answer) => answer?.status).sort()
const oneWinner = [200, ...Array.from({ length: RACERS - 1 }, () => 400)]
const tokensOf = (answer: Answer | undefined): Record<'access_token' | 'refresh_token', string> => JSON.parse(answer?.body ?? '')

describe(`F-18 three server processes on one PostgreSQL, ${TRIALS} trials each`, { timeout: 3_600_000 }, () => {
  let postgres: PostgresServer
  let three: Nodes
  let strict: Nodes
  let ledger: Ledger
  let strictLedger: Ledger
  const counted = { requests: () => ledger.requests + strictLedger.requests }
  beforeAll(async () => {
    postgres = await PostgresServer.start()
    // Those who lose the race for an assertion are failures of one client from one address, more than anybody else would make.
    three = await Nodes.start(3, await postgres.createDatabase(), {
      clientFailureLimit: 0,
      extensions: ['dpop', 'pushed_authorization_requests', 'request_objects'],
      dpop: { proofLimit: 0 },
      pushedAuthorizationRequests: { limit: 0 }
    })
    strict = await Nodes.start(3, await postgres.createDatabase(), { refreshTokenReuseWindow: 0 })
    ledger = new Ledger(three.deployment)
    strictLedger = new Ledger(strict.deployment)
  }, 120_000)
  afterAll(async () => {
    await Promise.all([three.stop(), strict.stop()])
    await postgres.stop()
    expect([...ledger.violations, ...strictLedger.violations]).toEqual([])
  })

  const areActive = (client: Ledger, nodes: Nodes, tokens: readonly string[]) =>
    Promise.all(nodes.deployment.ports.flatMap((port) => tokens.map((token) => client.isActive(token, port))))
  const nobody = (tokens: readonly string[]) => three.deployment.ports.flatMap(() => tokens.map(() => false))

  async function tokens(client: Ledger) {
    const code = (await client.authorize()) ?? ''
    return { code, ...tokensOf(await client.redeem(code)) }
  }

  test(`CD-02 a code has one winner of ${RACERS}, no 5xx, and the winner's tokens are dead on every node`, async () => {
    await repeat('code', counted, async () => {
      const code = (await ledger.authorize()) ?? ''
      const answers = await race(() => ledger.redeem(code))
      expect(statusesOf(answers)).toEqual(oneWinner)
      const { access_token, refresh_token } = tokensOf(answers.find((answer) => answer?.status === 200))
      expect(await areActive(ledger, three, [access_token, refresh_token])).toEqual(nobody(['', '']))
    })
  })

  test(`RT-02 ${RACERS} refreshes within the window have one successor, which works on every node`, async () => {
    await repeat('refresh, window', counted, async () => {
      const { refresh_token } = await tokens(ledger)
      const answers = await race(() => ledger.refresh(refresh_token))
      expect(statusesOf(answers)).toEqual(answers.map(() => 200))
      const successors = [...new Set(answers.map((answer) => tokensOf(answer).refresh_token))]
      expect(await areActive(ledger, three, successors)).toEqual([true, true, true])
    })
  })

  test(`RT-02 ${RACERS} strict refreshes have one winner, whose family is dead on every node`, async () => {
    await repeat('refresh, strict', counted, async () => {
      const { refresh_token } = await tokens(strictLedger)
      const answers = await race(() => strictLedger.refresh(refresh_token))
      expect(statusesOf(answers)).toEqual(oneWinner)
      const next = tokensOf(answers.find((answer) => answer?.status === 200))
      expect(await areActive(strictLedger, strict, [next.access_token, next.refresh_token])).toEqual(nobody(['', '']))
    })
  })

  test(`CA-09 an assertion, by its jti, is accepted once of ${RACERS} times`, async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
    const metadata = {
      grant_types: ['client_credentials'],
      scope: 'read',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await crypto.subtle.exportKey('jwk', publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }] }
    }
    const { client_id } = JSON.parse(await grantor(['client', '--config', three.config, JSON.stringify(metadata)]))
    const authenticate = PrivateKeyJwt({ key: privateKey, kid: 'k' })
    const anonymous = new Ledger({ ...three.deployment, clientSecret: undefined })
    await repeat('jti', { requests: () => anonymous.requests }, async () => {
      const form = new URLSearchParams({ grant_type: 'client_credentials' })
      await authenticate({ issuer: three.deployment.issuer }, { client_id }, form, new Headers())
      const answers = await race(() => anonymous.post('/token', Object.fromEntries(form)))
      expect(statusesOf(answers)).toEqual([200, ...Array.from({ length: RACERS - 1 }, () => 401)])
    })
  })

  test(`DP-04 a DPoP proof, by its key and jti, is accepted once of ${RACERS} times`, async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
    const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey)
    const metadata = { grant_types: ['client_credentials'], scope: 'read' }
    const machine = JSON.parse(await grantor(['client', '--config', three.config, JSON.stringify(metadata)]))
    const sender = new Ledger({ ...three.deployment, clientId: machine.client_id, clientSecret: machine.client_secret })
    await repeat('proof', { requests: () => sender.requests }, async (turn) => {
      const dpop = await new SignJWT({ jti: String(turn), htm: 'POST', htu: `${three.deployment.issuer}/token` })
        .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } as JsonWebKey })
        .setIssuedAt()
        .sign(privateKey)
      const answers = await race(() => sender.post('/token', { grant_type: 'client_credentials' }, undefined, { dpop }))
      expect(statusesOf(answers)).toEqual(oneWinner)
    })
    expect(sender.violations).toEqual([])
  })

  test(`PR-13 a request object, by its jti, is pushed once of ${RACERS} times`, async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
    const redirect_uri = 'https://client.example.com/cb'
    const metadata = { redirect_uris: [redirect_uri], scope: 'read', jwks: { keys: [await crypto.subtle.exportKey('jwk', publicKey)] } }
    const { client_id, client_secret } = JSON.parse(await grantor(['client', '--config', three.config, JSON.stringify(metadata)]))
    const sender = new Ledger({ ...three.deployment, clientId: client_id, clientSecret: client_secret })
    const claims = { client_id, redirect_uri, response_type: 'code', code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' }
    await repeat('request object', { requests: () => sender.requests }, async (turn) => {
      const request = await new SignJWT({ ...claims, jti: String(turn) })
        .setProtectedHeader({ alg: 'ES256' })
        .setExpirationTime('1m')
        .sign(privateKey)
      const answers = await race(() => sender.post('/par', { request }))
      expect(statusesOf(answers)).toEqual([201, ...Array.from({ length: RACERS - 1 }, () => 400)])
    })
  })

  test('I4 revoke and refresh at a barrier: after the acknowledged revocation nothing is active on any node', async () => {
    await repeat('revoke ‖ refresh', counted, async (turn) => {
      const { access_token, refresh_token } = await tokens(ledger)
      const [one, other] = [three.port(turn), three.port(turn + 1)]
      const [revoked, refreshed] = await Promise.all([ledger.revoke(refresh_token, one), ledger.refresh(refresh_token, other)])
      expect(revoked?.status).toBe(200)
      expect([200, 400]).toContain(refreshed?.status)
      const next = refreshed?.status === 200 ? tokensOf(refreshed) : { access_token, refresh_token }
      const all = [access_token, refresh_token, next.access_token, next.refresh_token]
      expect(await areActive(ledger, three, all)).toEqual(nobody(all))
    })
  })

  test('I4 revoke and a second redemption at a barrier: it is refused, and nothing is active on any node', async () => {
    await repeat('revoke ‖ second redemption', counted, async (turn) => {
      const { code, access_token, refresh_token } = await tokens(ledger)
      const [one, other] = [three.port(turn), three.port(turn + 1)]
      const [revoked, redeemed] = await Promise.all([ledger.revoke(refresh_token, one), ledger.redeem(code, other)])
      expect([revoked?.status, redeemed?.status]).toEqual([200, 400])
      expect(await areActive(ledger, three, [access_token, refresh_token])).toEqual(nobody(['', '']))
    })
  })
})
