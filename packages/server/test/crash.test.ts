import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { calculatePKCECodeChallenge } from 'oauth4webapi'
import { expect, test } from 'vitest'
import { Browser } from './browser.ts'
import { grantor, startGrantor } from './process.ts'
import { freePort, PASSWORD, temporaryFolder } from './support.ts'

const FLOWS = 200
const WORKERS = 20
const REDIRECT_URI = 'https://client.example.com/cb'
const VERIFIER = 'a-verifier-of-forty-three-characters-or-more'
const CHALLENGE = await calculatePKCECodeChallenge(VERIFIER)

/** What a client knows of one flow: what it sent, and what was answered. */
interface Flow {
  code?: string
  redeemed?: Tokens
  refreshed?: Tokens
}

interface Tokens {
  access_token: string
  refresh_token: string
}

test('kill -9 in the middle of 200 flows: what was acknowledged is active after the restart, no code works twice', async () => {
  const folder = temporaryFolder()
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const config = join(folder, 'grantor.json')
  writeFileSync(config, JSON.stringify({ issuer, host: 'localhost', port, database: 'grantor.db', secretFile: 'secret' }))
  await grantor(['user', 'add', '--config', config, 'alice'], `${PASSWORD}\n`)
  const client = JSON.parse(
    await grantor([
      'client',
      '--config',
      config,
      JSON.stringify({
        redirect_uris: [REDIRECT_URI],
        grant_types: ['authorization_code', 'refresh_token'],
        scope: 'read',
        require_consent: false
      })
    ])
  )
  const start = async () => {
    const command = startGrantor(['serve', '--config', config])
    await command.says('listening')
    return command
  }

  const authorization = `${issuer}/authorize?${new URLSearchParams({
    client_id: client.client_id,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256'
  })}`
  const post = async (path: string, form: Record<string, string>) => {
    const response = await fetch(issuer + path, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` },
      body: new URLSearchParams(form)
    })
    return { status: response.status, body: await response.json() }
  }
  const redeem = (code: string) =>
    post('/token', { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER })
  const refresh = (refresh_token: string) => post('/token', { grant_type: 'refresh_token', refresh_token })
  const isActive = async (token: string) => (await post('/introspect', { token })).body.active as boolean

  const first = await start()
  const browser = new Browser()
  await browser.open(authorization)
  await browser.submit({ login: 'alice', password: PASSWORD, decision: 'login' })
  const cookie = browser.cookie()

  const flows: Flow[] = []
  let dead: Promise<unknown> | undefined
  const run = async (flow: Flow) => {
    const response = await fetch(authorization, { redirect: 'manual', headers: { cookie } })
    flow.code = new URL(response.headers.get('location') ?? '').searchParams.get('code') ?? ''
    flow.redeemed = (await redeem(flow.code)).body as Tokens
    if (flows.length >= FLOWS / 2) dead ??= first.signal('SIGKILL')
    flow.refreshed = (await refresh(flow.redeemed.refresh_token)).body as Tokens
  }
  const work = async () => {
    while (flows.length < FLOWS && !dead) {
      const flow: Flow = {}
      flows.push(flow)
      await run(flow)
    }
  }
  const workers = await Promise.allSettled(Array.from({ length: WORKERS }, work))
  await dead
  expect(workers.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(WORKERS / 2)

  const database = new DatabaseSync(join(folder, 'grantor.db'))
  expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
  database.close()
  const second = await start()

  const acknowledged = flows.flatMap(({ redeemed, refreshed }) => [
    ...(redeemed ? [redeemed.access_token] : []),
    ...(refreshed ? [refreshed.access_token, refreshed.refresh_token] : [])
  ])
  expect(acknowledged.length).toBeGreaterThan(FLOWS / 2)
  expect(await Promise.all(acknowledged.map(isActive))).toEqual(acknowledged.map(() => true))

  // Who lost the answer to a refresh asks again and gets one.
  const unanswered = flows.filter(({ redeemed, refreshed }) => redeemed && !refreshed)
  expect(unanswered.length).toBeGreaterThan(0)
  const retries = await Promise.all(unanswered.map(({ redeemed }) => refresh(redeemed?.refresh_token ?? '')))
  expect(retries.map(({ status }) => status)).toEqual(unanswered.map(() => 200))

  for (const { code, redeemed } of flows) {
    if (!code) continue
    const statuses = [(await redeem(code)).status, (await redeem(code)).status]
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(redeemed ? 0 : 1)
    expect(statuses[1]).toBe(400)
  }
  expect(await second.signal('SIGTERM')).toBe(0)
})
