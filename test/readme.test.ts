import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Browser } from '../packages/server/test/browser.ts'
import { Program, startGrantor } from '../packages/server/test/process.ts'
import { freePort, temporaryFolder } from '../packages/server/test/support.ts'
import { createConsumer, ROOT, typeErrors } from './consumer.ts'

const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
const run = promisify(execFile)

/** The code of the n-th block of that language. */
function snippet(language: string, index: number): string {
  const block = [...README.matchAll(/```(\w+)\n(.*?)```/gs)].filter(([, name]) => name === language)[index]
  if (!block) throw new Error(`the README has no ${language} block ${index}`)
  return block[2] ?? ''
}

/** Runs curl's command line; where there is no curl, does what it would do. */
async function curl(command: string, environment: Record<string, string>): Promise<{ status: number; body: string }> {
  const line = command.trim().replace(/\$(\w+)/g, (_, name) => environment[name] ?? '')
  try {
    const { stdout } = await run('sh', ['-c', `${line} --silent --write-out '\\n%{http_code}'`])
    const end = stdout.lastIndexOf('\n')
    return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end) }
  } catch (error) {
    if ((error as { code?: number }).code !== 127) throw error
  }
  const [, url = '', ...options] = line.split(/\s+/)
  const values = (flag: string) => options.filter((_, index) => options[index - 1] === flag)
  if (options.length === 0) {
    const response = await fetch(url)
    return { status: response.status, body: await response.text() }
  }
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(values('-u').join())}`, 'content-type': 'application/x-www-form-urlencoded' },
    body: values('-d').join('&')
  })
  return { status: response.status, body: await response.text() }
}

describe('the README, "Run it"', () => {
  let server: Program
  let port: string
  let password: string
  let secret: string
  beforeAll(async () => {
    port = String(await freePort())
    server = startGrantor(['dev', '--port', port, '--data', temporaryFolder(), '--secrets', temporaryFolder()])
    const output = await server.says('scope=read\n')
    password = /Password\s+(\S+)/.exec(output)?.[1] ?? ''
    secret = /Client secret\s+(\S+)/.exec(output)?.[1] ?? ''
  })
  afterAll(() => server.signal('SIGTERM'))

  test('names the scripts that are there', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    expect(snippet('sh', 0)).toBe('npm ci && npm start\n')
    expect(snippet('sh', 4)).toBe('npm ci && npm test\n')
    expect(scripts).toMatchObject({ start: expect.stringContaining('cli.js dev'), test: expect.stringContaining('vitest run') })
  })

  test('its curl commands get a token, introspect it and revoke it', async () => {
    const at = (command: string) => command.replaceAll('localhost:9400', `localhost:${port}`)
    const token = await curl(at(snippet('sh', 1)), { CLIENT_SECRET: secret })
    expect(token.status).toBe(200)
    const { access_token } = JSON.parse(token.body)
    const [introspect = '', revoke = ''] = at(snippet('sh', 2)).trim().split('\n')
    const environment = { CLIENT_SECRET: secret, TOKEN: access_token }
    expect(JSON.parse((await curl(introspect, environment)).body)).toMatchObject({ active: true, scope: 'read' })
    expect(await curl(revoke, environment)).toEqual({ status: 200, body: '' })
    expect(JSON.parse((await curl(introspect, environment)).body)).toEqual({ active: false })
  })

  test('its address and its curl commands lead through the code flow, a refresh and discovery', async () => {
    const at = (command: string) => command.replaceAll('localhost:9400', `localhost:${port}`)
    const browser = new Browser()
    await browser.open(at(snippet('text', 0)).trim())
    await browser.submit({ login: 'demo', password, decision: 'login' })
    await browser.submit({ decision: 'allow' })
    const answer = new URL(browser.stoppedAt ?? '')
    expect([answer.origin + answer.pathname, answer.searchParams.get('state')]).toEqual(['http://127.0.0.1/callback', 'xyz'])
    const [redeem = '', refresh = '', discover = ''] = at(snippet('sh', 3)).trim().split('\n')
    const environment = { CLIENT_SECRET: secret, CODE: answer.searchParams.get('code') ?? '' }
    const tokens = JSON.parse((await curl(redeem, environment)).body)
    expect(tokens).toMatchObject({ token_type: 'Bearer', scope: 'read', refresh_token: expect.stringMatching(/^grt_/) })
    const next = JSON.parse((await curl(refresh, { CLIENT_SECRET: secret, REFRESH_TOKEN: tokens.refresh_token })).body)
    expect(next).toMatchObject({ scope: 'read', refresh_token: expect.stringMatching(/^grt_/) })
    expect(next.refresh_token).not.toBe(tokens.refresh_token)
    expect(JSON.parse((await curl(discover, {})).body)).toMatchObject({ issuer: `http://localhost:${port}` })
  })

  test('the example of the code flow works with the demo user', async () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    expect(README).toContain('npm run example:code-flow')
    const example = new Program(join(ROOT, scripts['example:code-flow'].replace('node ', '')), [], {
      env: { ISSUER: `http://localhost:${port}`, CLIENT_SECRET: secret }
    })
    const address = /Open (\S+)/.exec(await example.says('Open '))?.[1] ?? ''
    const browser = new Browser()
    await browser.open(address)
    await browser.submit({ login: 'demo', password, decision: 'login' })
    await browser.submit({ decision: 'allow' })
    expect(await (await fetch(browser.stoppedAt ?? '')).text()).toContain('Done')
    expect(await example.ends()).toBe(0)
    expect(example.output).toContain('"active": true')
  })
})

describe('the README, in a project that installed the package', () => {
  let folder: string
  let port: number
  beforeAll(async () => {
    folder = createConsumer()
    port = await freePort()
    writeFileSync(join(folder, 'embed.mts'), snippet('ts', 0).replaceAll('9400', String(port)))
    writeFileSync(join(folder, 'grant-type.mts'), snippet('ts', 1))
  }, 60_000)

  test('its TypeScript has no type errors', () => {
    expect(typeErrors(folder)).toBe('')
  })

  test('the ten lines embed a server, and the command that they print gets a token', async () => {
    expect(snippet('ts', 0).trim().split('\n').length).toBeLessThanOrEqual(10)
    const embedded = new Program(join(folder, 'embed.mts'))
    const [command = ''] = /curl .*/.exec(await embedded.says('client_credentials')) ?? []
    const { status, body } = await curl(command, {})
    expect(status).toBe(200)
    expect(JSON.parse(body)).toMatchObject({ token_type: 'Bearer', scope: 'read write' })
    await embedded.signal('SIGKILL')
  })

  test('the custom grant type is advertised and issues tokens that can be refreshed', async () => {
    const { server } = await import(join(folder, 'grant-type.mts'))
    const grantType = 'urn:example:grant-type:phone-otp'
    const client = await server.clients.create({ grant_types: [grantType, 'refresh_token'], scope: 'read' })
    const post = async (path: string, params: Record<string, string>) => {
      const headers = { authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` }
      const request = new Request(`https://id.example.com${path}`, { method: 'POST', headers, body: new URLSearchParams(params) })
      return (await server.handle(request)).json()
    }
    const metadata = await server.handle(new Request('https://id.example.com/.well-known/oauth-authorization-server'))
    expect((await metadata.json()).grant_types_supported).toContain(grantType)
    const tokens = await post('/token', { grant_type: grantType, phone: '+3112345678', otp: '123456' })
    expect(await post('/introspect', { token: tokens.access_token })).toMatchObject({ active: true, sub: '+3112345678' })
    const refreshed = await post('/token', { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })
    expect(await post('/introspect', { token: refreshed.access_token })).toMatchObject({ active: true, sub: '+3112345678' })
    expect(await post('/token', { grant_type: grantType, phone: '+3112345678', otp: '0' })).toMatchObject({ error: 'invalid_grant' })
    expect(await post('/token', { grant_type: grantType, otp: '0' })).toMatchObject({ error: 'invalid_request' })
  })
})
