import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { GrantorServer } from '../src/index.ts'
import { Browser } from './browser.ts'
import { PASSWORD, startServer } from './support.ts'

describe('limits of sign-ins that the configuration sets', () => {
  let server: GrantorServer
  let authorize: string
  beforeEach(async () => {
    const started = await startServer({ limits: { signInsPerAccount: 2, signInsPerAddress: 4 } })
    server = started.server
    await server.authorization.clients.create({ client_id: 'app', redirect_uris: ['https://client.example.com/cb'], scope: 'read' })
    authorize = `${started.issuer}/authorize?client_id=app&response_type=code&redirect_uri=https://client.example.com/cb&code_challenge=${'x'.repeat(43)}&code_challenge_method=S256`
  })
  afterEach(() => server.close())

  async function signIn(login: string, password: string): Promise<string> {
    const browser = new Browser()
    await browser.open(authorize)
    return browser.submit({ login, password })
  }

  test('hold for wrong passwords, by account and by address', async () => {
    expect(await signIn('alice', 'wrong')).toContain('is wrong')
    expect(await signIn('Alice', 'wrong')).toContain('is wrong')
    expect(await signIn('alice', 'wrong')).toContain('Too many attempts')
    expect(await signIn('bob', 'wrong')).toContain('is wrong')
    expect(await signIn('carol', 'wrong')).toContain('Too many attempts')
  })

  test('do not hold for right ones: a scripted browser signs in as often as it likes', async () => {
    for (let index = 0; index < 12; index++) expect(await signIn('alice', PASSWORD)).toContain('You are signed in as')
  })
})
