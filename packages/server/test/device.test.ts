import { DEVICE_GRANT_TYPE } from 'grantor'
import * as oidc from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GrantorServer } from '../src/index.ts'
import { Browser } from './browser.ts'
import { PASSWORD, startServer } from './support.ts'

let server: GrantorServer
let issuer: string

beforeAll(async () => {
  const extensions = ['device_authorization', 'dpop', 'resource_indicators']
  const resources = [{ identifier: 'https://api.example.com', name: 'Films', scopes: ['watch'] }]
  ;({ server, issuer } = await startServer({ extensions, resources, deviceAuthorization: { interval: 1, lifetime: 600 } }))
})
afterAll(() => server.close())

async function connect(): Promise<oidc.Configuration> {
  const metadata = { grant_types: [DEVICE_GRANT_TYPE, 'refresh_token'], scope: 'openid email watch read offline_access' }
  const { client_id, client_secret } = await server.authorization.clients.create(metadata)
  const options = { execute: [oidc.allowInsecureRequests] }
  return oidc.discovery(new URL(issuer), client_id, undefined, oidc.ClientSecretBasic(client_secret), options)
}

/** From the link that the device shows to the page where the person decides. */
async function enter({ verification_uri_complete = '' }: oidc.DeviceAuthorizationResponse, browser = new Browser()): Promise<Browser> {
  await browser.open(verification_uri_complete)
  expect(await browser.submit({ user_code: new URL(verification_uri_complete).searchParams.get('user_code') ?? '' })).toContain('Sign in')
  await browser.submit({ login: 'alice', password: PASSWORD, decision: 'login' })
  return browser
}

async function decide(browser: Browser, decision: string): Promise<string> {
  return browser.submit({ decision }, `${issuer}/device`)
}

test('openid-client connects a device: codes, polls, ID token, userinfo, refresh', async () => {
  const config = await connect()
  const codes = await oidc.initiateDeviceAuthorization(config, { scope: 'openid email offline_access' })
  expect(codes).toMatchObject({ verification_uri: `${issuer}/device`, expires_in: 600, interval: 1 })
  const polled = oidc.pollDeviceAuthorizationGrant(config, codes)
  await decide(await enter(codes), 'approve')
  const tokens = await polled
  const claims = tokens.claims()
  expect(claims).toMatchObject({ iss: issuer, acr: 'urn:grantor:acr:password' })
  expect(await oidc.fetchUserInfo(config, tokens.access_token, claims?.sub ?? '')).toMatchObject({ sub: claims?.sub })
  expect(await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')).toMatchObject({ scope: tokens.scope })
})

test('openid-client binds the tokens of a device to its key, for the resource that it names', async () => {
  const config = await connect()
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair())
  const codes = await oidc.initiateDeviceAuthorization(config, { scope: 'watch', resource: 'https://api.example.com' })
  const browser = await enter(codes)
  expect(await browser.open(codes.verification_uri_complete ?? '')).toContain('Films <code>https://api.example.com</code>')
  const polled = oidc.pollDeviceAuthorizationGrant(config, codes, undefined, { DPoP })
  await decide(browser, 'approve')
  const { token_type, access_token } = await polled
  const found = await server.authorization.tokens.find(access_token)
  expect([token_type, found?.token.aud, Object.keys(found?.token.cnf ?? {})]).toEqual(['dpop', ['https://api.example.com'], ['jkt']])
})

test('DV-03 openid-client is told that the person refused', async () => {
  const config = await connect()
  const codes = await oidc.initiateDeviceAuthorization(config, { scope: 'read' })
  expect(await decide(await enter(codes), 'deny')).toContain('was refused')
  await expect(oidc.pollDeviceAuthorizationGrant(config, codes)).rejects.toMatchObject({ error: 'access_denied' })
})

test.each([
  ['disabled', (subject: string) => server.users.disable(subject), (subject: string) => server.users.enable(subject)],
  ['given another password', (subject: string) => server.users.setPassword(subject, PASSWORD), async () => true]
])('DV-11 a person who is %s after the approval: invalid_grant, and no more decisions', async (_, change, restore) => {
  const config = await connect()
  const { subject = '' } = (await server.users.findByLogin('alice')) ?? {}
  const [allowed, open] = [
    await oidc.initiateDeviceAuthorization(config, { scope: 'read' }),
    await oidc.initiateDeviceAuthorization(config, { scope: 'read' })
  ]
  await decide(await enter(allowed), 'approve')
  const browser = await enter(open)
  await change(subject)
  await decide(browser, 'approve')
  await restore(subject)
  await expect(oidc.pollDeviceAuthorizationGrant(config, allowed)).rejects.toMatchObject({ error: 'invalid_grant' })
  const { device_code } = open
  await expect(oidc.genericGrantRequest(config, DEVICE_GRANT_TYPE, { device_code })).rejects.toMatchObject({
    error: 'authorization_pending'
  })
})

test('a person who cancels the sign-in is back at the code, and nothing is decided', async () => {
  const config = await connect()
  const codes = await oidc.initiateDeviceAuthorization(config, { scope: 'read' })
  const browser = new Browser()
  await browser.open(codes.verification_uri_complete ?? '')
  await browser.submit({ user_code: codes.user_code })
  expect(await browser.submit({ decision: 'deny' })).toContain('The code that your device shows')
  const { device_code } = codes
  await expect(oidc.genericGrantRequest(config, DEVICE_GRANT_TYPE, { device_code })).rejects.toMatchObject({
    error: 'authorization_pending'
  })
})
