// The server package as `grantor serve` runs it, on the database that DATABASE names, and people who signed in on its pages.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GrantorServer, parseConfig } from '@grantor/server'
import { Browser } from '../../packages/server/test/browser.ts'
import { freePort } from '../../packages/sql/test/support.ts'
import { Counter } from './counter.ts'
import { grantorPlan, MACHINE, registerClients } from './grantor-plan.ts'
import { announce } from './serve.ts'

const folder = mkdtempSync(join(tmpdir(), 'grantor-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const port = await freePort()
const issuer = `http://127.0.0.1:${port}`
const { DATABASE: database = '', PEOPLE = '1' } = process.env
const config = { issuer, host: '127.0.0.1', port, database, secretFile: 'secret', logLevel: 'silent' }
const server = await GrantorServer.open(parseConfig(config, folder))
await server.start()
await registerClients(server.authorization.clients)
const { code, openid } = grantorPlan(MACHINE, [])
const cookies: string[] = []
for (let index = 0; index < Number(PEOPLE); index++) cookies.push(await signIn(`person-${index}`))
await announce(port, new Counter(false), grantorPlan(MACHINE, cookies))

/** @returns the cookies of somebody who signed in and allowed the client what it asks for. */
async function signIn(login: string): Promise<string> {
  const password = 'correct horse battery staple'
  await server.users.create({ login, password, claims: { name: login, email: `${login}@example.com` } })
  const browser = new Browser()
  await browser.open(`${issuer}${code?.authorize}`)
  await browser.submit({ login, password, decision: 'login' })
  await browser.submit({ decision: 'allow' })
  await browser.open(`${issuer}${openid?.authorize}`)
  await browser.submit({ decision: 'allow' })
  if (!browser.stoppedAt?.includes('code=')) throw new Error(`${login} was not sent back with a code: ${browser.status}`)
  return browser.cookie()
}
