import type { Kind, Store } from 'grantor'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStore } from '../src/index.ts'
import { Cluster } from './cluster.ts'
import { PostgresServer } from './postgres.ts'

const TRIALS = Number(process.env.TRIALS ?? 200)
const RACERS = 20
const AT_ONCE = 10
const COUNTER: Kind<{ state: string }> = 'device_like'

/** Runs the trial so many times, a few at once. */
async function repeat(trial: (index: number) => Promise<void>, trials = TRIALS): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < trials) await trial(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

const statusesOf = (answers: readonly { status: number }[]) => answers.map(({ status }) => status).sort()
const oneWinner = [200, ...Array.from({ length: RACERS - 1 }, () => 400)]

describe(`F-18 three nodes on one PostgreSQL, ${TRIALS} trials each`, { timeout: 600_000 }, () => {
  let postgres: PostgresServer
  let url: string
  let three: Cluster
  let strict: Cluster
  let stores: readonly Awaited<ReturnType<typeof openStore>>[]
  beforeAll(async () => {
    postgres = await PostgresServer.start()
    url = await postgres.createDatabase()
    three = await Cluster.start(url, 3)
    strict = await Cluster.start(await postgres.createDatabase(), 3, { refreshTokenReuseWindow: 0 })
    stores = await Promise.all([openStore(url), openStore(url), openStore(url)])
  }, 60_000)
  afterAll(async () => {
    await Promise.all([three.stop(), strict.stop(), ...stores.map((store) => store.close())])
    await postgres.stop()
  })

  test('that start at the same moment on an empty database share one schema and one set of keys', async () => {
    const keys = await three.race(3, (node) => node.send('/jwks'))
    expect(new Set(keys.map(({ body }) => body)).size).toBe(1)
  })

  test(`CD-02 a code has one winner of ${RACERS}, no 5xx, and the winner's tokens are dead everywhere`, async () => {
    await repeat(async () => {
      const code = await three.code()
      const answers = await three.race(RACERS, (node) => three.redeem(node, code))
      expect(statusesOf(answers)).toEqual(oneWinner)
      const { access_token } = JSON.parse(answers.find(({ status }) => status === 200)?.body ?? '')
      expect(await three.race(3, (node) => three.isActive(node, access_token))).toEqual([false, false, false])
    })
  })

  test(`DV-04 of ${RACERS} polls for what a person allowed one gets tokens, which are dead everywhere`, async () => {
    const trials = Math.ceil(TRIALS / 8)
    const codes: string[] = []
    // One after the other: so many at once of one person are taken for guesses.
    while (codes.length < trials) codes.push(await three.allowedDevice())
    await repeat(async (index) => {
      const answers = await three.race(RACERS, (node) => three.poll(node, codes[index] ?? ''))
      expect(statusesOf(answers)).toEqual(oneWinner)
      const { access_token } = JSON.parse(answers.find(({ status }) => status === 200)?.body ?? '')
      expect(await three.race(3, (node) => three.isActive(node, access_token))).toEqual([false, false, false])
    }, trials)
  })

  test(`PR-05 a request_uri that ${RACERS} browsers come with yields one code`, async () => {
    await repeat(async () => {
      const uri = await three.push()
      const codes = await three.race(RACERS, (node) => three.open(node, uri))
      expect(codes.filter((code) => code !== undefined)).toHaveLength(1)
    })
  })

  test(`JB-01 an assertion, by its issuer and jti, is good for one token of ${RACERS}`, async () => {
    await repeat(async () => {
      const assertion = await three.assertion()
      expect(statusesOf(await three.race(RACERS, (node) => three.assert(node, assertion)))).toEqual(oneWinner)
      // Each racer's signature is verified: a quarter of the trials takes as long as all of the others do.
    }, TRIALS / 4)
  })

  test(`RT-02 ${RACERS} refreshes within the window have one successor`, async () => {
    await repeat(async () => {
      const { refresh_token } = await three.tokens()
      const answers = await three.race(RACERS, (node) => three.refresh(node, refresh_token))
      expect(statusesOf(answers)).toEqual(answers.map(() => 200))
      expect(new Set(answers.map(({ body }) => JSON.parse(body).refresh_token)).size).toBe(1)
    })
  })

  test(`RT-02 ${RACERS} strict refreshes have one winner, whose family is dead`, async () => {
    await repeat(async () => {
      const { refresh_token } = await strict.tokens()
      const answers = await strict.race(RACERS, (node) => strict.refresh(node, refresh_token))
      expect(statusesOf(answers)).toEqual(oneWinner)
      const next = JSON.parse(answers.find(({ status }) => status === 200)?.body ?? '').refresh_token
      expect(await strict.isActive(strict.node(1), next)).toBe(false)
    })
  })

  test('a compare-and-set and a jti have one winner', async () => {
    await repeat(async (index) => {
      const id = `trial-${index}`
      const race = (attempt: (store: Store, racer: number) => Promise<boolean>) =>
        Promise.all(Array.from({ length: RACERS }, (_, racer) => attempt(stores[racer % 3] as Store, racer)))
      const inserted = await race((store) =>
        store.artifacts.insert({ kind: COUNTER, id, value: { state: 'pending' }, expiresAt: 2_000_000_000 })
      )
      expect(inserted.filter((won) => won)).toHaveLength(1)
      const changed = await race((store, racer) => store.artifacts.update(COUNTER, id, { state: `${racer}` }, { state: 'pending' }, 0))
      expect(changed.filter((won) => won)).toHaveLength(1)
    })
  })

  test('I4 revoke and refresh at once: after the acknowledged revocation nothing is active on any node', async () => {
    await repeat(async (index) => {
      const { refresh_token, access_token } = await three.tokens()
      const [revoked, refreshed] = await Promise.all([
        three.revoke(three.node(index), refresh_token),
        three.refresh(three.node(index + 1), refresh_token)
      ])
      expect(revoked.status).toBe(200)
      const tokens = refreshed.status === 200 ? [access_token, ...Object.values(pick(refreshed.body))] : [access_token]
      expect(await Promise.all(tokens.map((token, turn) => three.isActive(three.node(turn), token)))).toEqual(tokens.map(() => false))
    })
  })

  test('I4 revocation of the grant and redemption of its code at once: nothing is active on any node', async () => {
    await repeat(async (index) => {
      const [code, store] = [await three.code(), stores[index % 3] as Store]
      const id = code.slice('gac_'.length, 'gac_'.length + 24)
      const found = await store.artifacts.find('authorization_code', id, 0)
      const [, redeemed] = await Promise.all([
        store.grants.revoke({ id: found?.grant?.id ?? '' }, Math.floor(Date.now() / 1000)),
        three.redeem(three.node(index), code)
      ])
      const tokens = redeemed.status === 200 ? Object.values(pick(redeemed.body)) : []
      expect([200, 400]).toContain(redeemed.status)
      expect(await Promise.all(tokens.map((token, turn) => three.isActive(three.node(turn), token)))).toEqual(tokens.map(() => false))
    })
  })
})

function pick(body: string): { access_token: string; refresh_token: string } {
  const { access_token, refresh_token } = JSON.parse(body)
  return { access_token, refresh_token }
}
