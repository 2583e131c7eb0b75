import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { calculatePKCECodeChallenge } from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SqliteStore } from '../src/index.ts'
import { openServer } from './authorization-server.ts'
import { integrityOf, RemoteNode, temporaryFile } from './support.ts'

const RACERS = 50
const VERIFIER = 'a-verifier-of-forty-three-characters-or-more'
const REDIRECT_URI = 'https://client.example.com/cb'

/** Two processes on one file, and a client that talks to both. */
async function openTwo(settings: Record<string, unknown> = {}) {
  const path = temporaryFile()
  const [first, second] = await Promise.all([RemoteNode.start(path, settings), RemoteNode.start(path, settings)])
  const store = new SqliteStore({ path })
  const { client_id, client_secret = '' } = await openServer(store).clients.create({
    token_endpoint_auth_method: 'client_secret_post',
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token'],
    scope: 'read',
    require_consent: false
  })
  await store.close()
  const authorization = new URLSearchParams({
    client_id,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'read',
    code_challenge: await calculatePKCECodeChallenge(VERIFIER),
    code_challenge_method: 'S256'
  })
  const post = (node: RemoteNode, path: string, form: Record<string, string>) => node.send(path, { client_id, client_secret, ...form })
  return {
    path,
    first,
    second,
    clientSecret: client_secret,
    code: async () => new URL((await first.send(`/authorize?${authorization}`)).location ?? '').searchParams.get('code') ?? '',
    redeem: (node: RemoteNode, code: string) =>
      post(node, '/token', { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER }),
    refresh: (node: RemoteNode, refresh_token: string) => post(node, '/token', { grant_type: 'refresh_token', refresh_token }),
    isActive: async (node: RemoteNode, token: string): Promise<boolean> =>
      JSON.parse((await post(node, '/introspect', { token })).body).active,
    /** The same request many times, every other by each process. */
    race: <T>(request: (node: RemoteNode) => Promise<T>) =>
      Promise.all(Array.from({ length: RACERS }, (_, index) => request(index % 2 ? first : second))),
    stop: () => Promise.all([first.stop(), second.stop()])
  }
}

describe('two processes on one SQLite file', () => {
  let two: Awaited<ReturnType<typeof openTwo>>
  beforeAll(async () => {
    two = await openTwo()
  })
  afterAll(() => two.stop())

  test(`CD-02 ${RACERS} redemptions of one code: one 200, the others invalid_grant, and the winner's tokens are dead`, async () => {
    const code = await two.code()
    const answers = await two.race((node) => two.redeem(node, code))
    const [winner, ...others] = answers.filter(({ status }) => status === 200)
    expect(others).toEqual([])
    const errors = answers.filter((answer) => answer !== winner).map(({ status, body }) => [status, JSON.parse(body).error])
    expect(errors).toEqual(Array.from({ length: RACERS - 1 }, () => [400, 'invalid_grant']))
    const { access_token, refresh_token } = JSON.parse(winner?.body ?? '')
    for (const node of [two.first, two.second]) {
      expect([await two.isActive(node, access_token), await two.isActive(node, refresh_token)]).toEqual([false, false])
    }
  })

  test(`RT-02 ${RACERS} refreshes of one token: ${RACERS} answers with one successor`, async () => {
    const { refresh_token } = JSON.parse((await two.redeem(two.second, await two.code())).body)
    const answers = await two.race((node) => two.refresh(node, refresh_token))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: RACERS }, () => 200))
    const successors = new Set(answers.map(({ body }) => JSON.parse(body).refresh_token))
    expect(successors.size).toBe(1)
    expect(await two.isActive(two.first, [...successors][0])).toBe(true)
  })

  test('ST-01 nothing in the files can be used: no code, no token, no secret is there to be read', async () => {
    const code = await two.code()
    const { access_token, refresh_token } = JSON.parse((await two.redeem(two.second, code)).body)
    const folder = dirname(two.path)
    const bytes = Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))))
    expect(bytes.includes('https://client.example.com/cb')).toBe(true)
    for (const token of [code, access_token, refresh_token]) {
      // Behind the prefix and the id, which finds the record, begins what makes it a secret.
      const secret = token.slice(token.indexOf('_') + 25, token.indexOf('_') + 25 + 43)
      expect(secret).toHaveLength(43)
      expect(bytes.includes(secret)).toBe(false)
    }
    expect(bytes.includes(two.clientSecret)).toBe(false)
    expect(bytes.includes('"d":')).toBe(false)
    expect(integrityOf(two.path)).toBe('ok')
  })
})

test('two processes that start at the same moment on an empty folder share one set of keys', async () => {
  const two = await openTwo()
  const [first, second] = await Promise.all([two.first.send('/jwks'), two.second.send('/jwks')])
  expect(first.body).toBe(second.body)
  expect(JSON.parse(first.body).keys).toHaveLength(1)
  await two.stop()
})

test('RT-02 strict: of many refreshes in two processes one wins, and the family dies', async () => {
  const two = await openTwo({ refreshTokenReuseWindow: 0 })
  const { refresh_token } = JSON.parse((await two.redeem(two.second, await two.code())).body)
  const answers = await two.race((node) => two.refresh(node, refresh_token))
  const [winner, ...others] = answers.filter(({ status }) => status === 200)
  expect(others).toEqual([])
  expect(await two.isActive(two.first, JSON.parse(winner?.body ?? '').refresh_token)).toBe(false)
  await two.stop()
})
