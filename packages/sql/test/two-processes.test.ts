import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Cluster } from './cluster.ts'
import { integrityOf, temporaryFile } from './support.ts'

const RACERS = 50

describe('two processes on one SQLite file', () => {
  const path = temporaryFile()
  let two: Cluster
  beforeAll(async () => {
    two = await Cluster.start(path, 2)
  })
  afterAll(() => two.stop())

  test('that start at the same moment on an empty folder share one set of keys', async () => {
    const [first, second] = await two.race(2, (node) => node.send('/jwks'))
    expect(first?.body).toBe(second?.body)
    expect(JSON.parse(first?.body ?? '').keys).toHaveLength(1)
  })

  test(`CD-02 ${RACERS} redemptions of one code: one 200, the others invalid_grant, and the winner's tokens are dead`, async () => {
    const code = await two.code()
    const answers = await two.race(RACERS, (node) => two.redeem(node, code))
    const [winner, ...others] = answers.filter(({ status }) => status === 200)
    expect(others).toEqual([])
    const errors = answers.filter((answer) => answer !== winner).map(({ status, body }) => [status, JSON.parse(body).error])
    expect(errors).toEqual(Array.from({ length: RACERS - 1 }, () => [400, 'invalid_grant']))
    const { access_token, refresh_token } = JSON.parse(winner?.body ?? '')
    for (const node of two.nodes) {
      expect([await two.isActive(node, access_token), await two.isActive(node, refresh_token)]).toEqual([false, false])
    }
  })

  test(`RT-02 ${RACERS} refreshes of one token: ${RACERS} answers with one successor`, async () => {
    const { refresh_token } = await two.tokens()
    const answers = await two.race(RACERS, (node) => two.refresh(node, refresh_token))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: RACERS }, () => 200))
    const successors = new Set(answers.map(({ body }) => JSON.parse(body).refresh_token))
    expect(successors.size).toBe(1)
    expect(await two.isActive(two.node(0), [...successors][0])).toBe(true)
  })

  test(`PR-05 ${RACERS} browsers with one request_uri: one code`, async () => {
    const uri = await two.push()
    const codes = await two.race(RACERS, (node) => two.open(node, uri))
    expect(codes.filter((code) => code !== undefined)).toHaveLength(1)
  })

  test('ST-01 nothing in the files can be used: no code, no token, no secret is there to be read', async () => {
    const code = await two.code()
    const { access_token, refresh_token } = JSON.parse((await two.redeem(two.node(1), code)).body)
    const folder = dirname(path)
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
    expect(integrityOf(path)).toBe('ok')
  })
})

test('RT-02 strict: of many refreshes in two processes one wins, and the family dies', async () => {
  const two = await Cluster.start(temporaryFile(), 2, { refreshTokenReuseWindow: 0 })
  const { refresh_token } = await two.tokens()
  const answers = await two.race(RACERS, (node) => two.refresh(node, refresh_token))
  const [winner, ...others] = answers.filter(({ status }) => status === 200)
  expect(others).toEqual([])
  expect(await two.isActive(two.node(0), JSON.parse(winner?.body ?? '').refresh_token)).toBe(false)
  await two.stop()
})
