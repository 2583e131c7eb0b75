import type { Store } from 'grantor'
import { calculatePKCECodeChallenge } from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStore } from '../src/index.ts'
import { ISSUER, openServer } from './authorization-server.ts'
import { PostgresServer } from './postgres.ts'
import { temporaryFile } from './support.ts'

const START = 1_800_000_000
const LIFETIME = 90 * 86_400
const REDIRECT_URI = 'https://client.example.com/cb'
const VERIFIER = 'a-verifier-of-forty-three-characters-or-more'
const CHALLENGE = await calculatePKCECodeChallenge(VERIFIER)

let postgres: PostgresServer
beforeAll(async () => {
  postgres = await PostgresServer.start()
})
afterAll(() => postgres.stop())

async function ready(location: string) {
  const clock = { now: START }
  const store = await openStore(location)
  const server = openServer(store, { clock: () => clock.now * 1000, grantLifetime: LIFETIME, refreshTokenReuseWindow: 0 })
  const client = await server.clients.create({
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token'],
    scope: 'read',
    token_endpoint_auth_method: 'client_secret_post',
    require_consent: false
  })
  const post = async (path: string, form: Record<string, string>) => {
    const body = new URLSearchParams({ client_id: client.client_id, client_secret: client.client_secret ?? '', ...form })
    const response = await server.handle(new Request(ISSUER + path, { method: 'POST', body }))
    return { status: response.status, ...JSON.parse(await response.text()) }
  }
  const refresh = (refresh_token: string) => post('/token', { grant_type: 'refresh_token', refresh_token })
  const isActive = async (token: string) => (await post('/introspect', { token })).active as boolean
  const begin = async () => {
    const query = new URLSearchParams({
      client_id: client.client_id,
      response_type: 'code',
      redirect_uri: REDIRECT_URI,
      code_challenge: CHALLENGE,
      code_challenge_method: 'S256'
    })
    const response = await server.handle(new Request(`${ISSUER}/authorize?${query}`))
    const code = new URL(response.headers.get('location') ?? '').searchParams.get('code') ?? ''
    return post('/token', { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER })
  }
  return { clock, store, refresh, isActive, begin }
}

async function purgeAll(store: Store, now: number): Promise<number> {
  let deleted = 0
  for (let batch = -1; batch !== 0; deleted += batch) batch = await store.purge(now, 1000)
  return deleted
}

describe.each([
  ['SQLite', async () => temporaryFile()],
  ['PostgreSQL', () => postgres.createDatabase()]
])('I15 on %s', (_, locate) => {
  test('the tombstone of a spent refresh token outlives every purge until its family ends, so its reuse ends the family', async () => {
    const { clock, store, refresh, isActive, begin } = await ready(await locate())
    const first = await begin()
    let newest = first
    // A token a week, each of which lives two.
    for (let week = 1; week <= 12; week++) {
      clock.now = START + week * 7 * 86_400
      newest = await refresh(newest.refresh_token)
      expect(newest.status).toBe(200)
      await purgeAll(store, clock.now)
    }
    expect(await isActive(newest.access_token)).toBe(true)
    expect(await refresh(first.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' })
    expect(await isActive(newest.access_token)).toBe(false)
    clock.now = START + LIFETIME
    expect(await purgeAll(store, clock.now)).toBeGreaterThan(12)
    expect(await store.artifacts.list('refresh_token', { limit: 1 }, 0)).toEqual([])
    await store.close()
  })

  test('RT-14 three hundred rotations leave one live token and a tombstone each, no larger the last than the first', async () => {
    const { clock, store, refresh, isActive, begin } = await ready(await locate())
    const chain = [await begin()]
    for (let i = 0; i < 300; i++) chain.push(await refresh(chain.at(-1).refresh_token))
    const idOf = (token: string) => token.slice(4, 28)
    const stored = async (index: number) =>
      JSON.stringify(await store.artifacts.find('refresh_token', idOf(chain[index].refresh_token), clock.now)).length
    expect(Math.abs((await stored(0)) - (await stored(299)))).toBeLessThan(16)
    const live = await store.artifacts.list('refresh_token', { limit: 10 }, clock.now)
    expect(live.map(({ id }) => id)).toEqual([idOf(chain[300].refresh_token)])
    clock.now += 3600 + 60
    expect(await purgeAll(store, clock.now)).toBe(301)
    expect(await refresh(chain[150].refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' })
    expect(await isActive(chain[300].refresh_token)).toBe(false)
    await store.close()
  })

  test('a clock that jumps to just before that end and back deletes no tombstone, and revives nothing', async () => {
    const { clock, store, refresh, isActive, begin } = await ready(await locate())
    const first = await begin()
    const second = await refresh(first.refresh_token)
    clock.now = START + LIFETIME - 1
    await purgeAll(store, clock.now)
    clock.now = START + 60
    expect(await refresh(first.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' })
    clock.now = START - 3600
    expect(await isActive(second.access_token)).toBe(false)
    await store.close()
  })
})
