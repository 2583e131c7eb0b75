import { createLocalJWKSet, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { OwnHost } from './own-host.ts'
import { Person } from './person.ts'
import type { RelyingParty } from './relying-party.ts'
import { Suite } from './suite.ts'

const AFTERWARDS = 'https://suite.example.com/test/a/grantor/post_logout_redirect'
const BACK_CHANNEL_EVENT = 'http://schemas.openid.net/event/backchannel-logout'

let suite: Suite
let host: OwnHost
beforeAll(async () => {
  host = await OwnHost.start()
  suite = await Suite.start({ outbound: host.outbound })
})
afterAll(async () => {
  await suite.server.close()
  await host.close()
})
afterEach(() => suite.cleanUp())

/** A person who signed in at a client. */
async function signedIn(metadata: Record<string, unknown> = {}) {
  const client = await suite.register({ post_logout_redirect_uris: [AFTERWARDS], ...metadata })
  const person = new Person()
  const { tokens, claims } = await client.signIn({ response_type: 'code' }, { person })
  return { client, person, claims, idToken: tokens['id_token'] ?? '' }
}

/** The browser comes to the end of the session; undefined leaves a parameter out. */
async function signOut(person: Person, params: Record<string, string | undefined>) {
  const query = new URLSearchParams(Object.entries(params).filter((entry): entry is [string, string] => entry[1] !== undefined))
  const html = await person.look(`${suite.url('end_session_endpoint')}?${query}`)
  const { status, stoppedAt: location } = person.browser
  return { html, status, location }
}

const isSignedIn = async (client: RelyingParty, person: Person) => {
  const { params } = await client.authorize(person, { response_type: 'code', prompt: 'none' })
  return params['error'] === undefined
}

describe('RP-initiated', () => {
  let client: RelyingParty
  let person: Person
  let idToken: string
  beforeEach(async () => {
    ;({ client, person, idToken } = await signedIn())
  })

  async function expectRefused(params: Record<string, string | undefined>): Promise<void> {
    const { html, status, location } = await signOut(person, { state: 'xyz', ...params })
    expect([status, location]).toEqual([400, undefined])
    expect(html).toContain('Sign-out request rejected')
    expect(await isSignedIn(client, person)).toBe(true)
  }

  test('oidcc-rp-initiated-logout-discovery-endpoint-verification', () => {
    expect(suite.url('end_session_endpoint').startsWith(suite.issuer)).toBe(true)
  })

  test('oidcc-rp-initiated-logout', async () => {
    const { location } = await signOut(person, { id_token_hint: idToken, post_logout_redirect_uri: AFTERWARDS, state: 'a b&c' })
    expect(location).toBe(`${AFTERWARDS}?state=a+b%26c`)
    expect(await isSignedIn(client, person)).toBe(false)
  })

  test('oidcc-rp-initiated-logout-no-state', async () => {
    const { location } = await signOut(person, { id_token_hint: idToken, post_logout_redirect_uri: AFTERWARDS })
    expect(location).toBe(AFTERWARDS)
    expect(await isSignedIn(client, person)).toBe(false)
  })

  test('oidcc-rp-initiated-logout-bad-post-logout-redirect-uri', () =>
    expectRefused({ id_token_hint: idToken, post_logout_redirect_uri: 'https://suite.example.com/elsewhere' }))

  test('oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri', () =>
    expectRefused({ id_token_hint: idToken, post_logout_redirect_uri: `${AFTERWARDS}?foo=bar` }))

  test('oidcc-rp-initiated-logout-modified-id-token-hint', () => {
    const [, payload] = idToken.split('.')
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    return expectRefused({ id_token_hint: `${none}.${payload}.`, post_logout_redirect_uri: AFTERWARDS })
  })

  test('oidcc-rp-initiated-logout-bad-id-token-hint', async () => {
    const [header = '', payload = ''] = idToken.split('.')
    const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
    const { privateKey } = await generateKeyPair('RS256')
    const id_token_hint = await new SignJWT(read(payload)).setProtectedHeader(read(header)).sign(privateKey)
    await expectRefused({ id_token_hint, post_logout_redirect_uri: AFTERWARDS })
  })

  test('oidcc-rp-initiated-logout-no-id-token-hint', () => expectRefused({ post_logout_redirect_uri: AFTERWARDS }))

  test.each([
    ['oidcc-rp-initiated-logout-no-params', {}],
    ['oidcc-rp-initiated-logout-only-state', { state: 'xyz' }]
  ])('%s', async (_, params) => {
    const { html, location } = await signOut(person, params)
    expect(location).toBeUndefined()
    expect(html).toContain('id="logout-confirm"')
    expect(await isSignedIn(client, person)).toBe(true)
    await signOut(person, params)
    expect(await person.browser.submit({}, suite.url('end_session_endpoint'))).toContain('You are signed out')
    expect(person.browser.stoppedAt).toBeUndefined()
    expect(await isSignedIn(client, person)).toBe(false)
  })

  test('oidcc-rp-initiated-logout-no-post-logout-redirect-uri', async () => {
    const { html, location } = await signOut(person, { id_token_hint: idToken, state: 'xyz' })
    expect(location).toBeUndefined()
    expect(html).toContain('You are signed out')
    expect(await isSignedIn(client, person)).toBe(false)
  })
})

describe('front-channel', () => {
  test('oidcc-frontchannel-logout-discovery-endpoint-verification', () => {
    expect(suite.metadata).toMatchObject({ frontchannel_logout_supported: true, frontchannel_logout_session_supported: true })
  })

  test('oidcc-frontchannel-rp-initiated-logout', async () => {
    const frontchannel_logout_uri = 'https://suite.example.com/test/a/grantor/frontchannel_logout'
    const metadata = { frontchannel_logout_uri, frontchannel_logout_session_required: true }
    const { client, person, claims, idToken } = await signedIn(metadata)
    const { html } = await signOut(person, { id_token_hint: idToken, post_logout_redirect_uri: AFTERWARDS, state: 'xyz' })
    const frames = [...html.matchAll(/<iframe src="([^"]+)"/g)].map(([, src = '']) => new URL(src.replaceAll('&amp;', '&')))
    expect(frames.map((frame) => [frame.origin + frame.pathname, Object.fromEntries(frame.searchParams)])).toEqual([
      [frontchannel_logout_uri, { iss: suite.issuer, sid: claims['sid'] }]
    ])
    // The browser goes on when the frame had its time.
    expect(html).toContain(`href="${AFTERWARDS}?state=xyz"`)
    expect(await isSignedIn(client, person)).toBe(false)
  })
})

describe('back-channel', () => {
  test('oidcc-backchannel-logout-discovery-endpoint-verification', () => {
    expect(suite.metadata).toMatchObject({ backchannel_logout_supported: true, backchannel_logout_session_supported: true })
  })

  test('oidcc-backchannel-rp-initiated-logout', async () => {
    const metadata = { backchannel_logout_uri: `${host.origin}/backchannel_logout`, backchannel_logout_session_required: true }
    const { client, person, claims, idToken } = await signedIn(metadata)
    const { location } = await signOut(person, { id_token_hint: idToken, post_logout_redirect_uri: AFTERWARDS, state: 'xyz' })
    expect(location).toBe(`${AFTERWARDS}?state=xyz`)
    const { path, type, body = '', protocol } = (await host.posted()) ?? {}
    expect([path, type, protocol]).toEqual(['/backchannel_logout', 'application/x-www-form-urlencoded', 'TLSv1.3'])
    const form = new URLSearchParams(body)
    expect([...form.keys()]).toEqual(['logout_token'])
    const { payload, protectedHeader } = await jwtVerify(form.get('logout_token') ?? '', createLocalJWKSet(await suite.jwks()), {
      issuer: suite.issuer,
      audience: client.registration.client_id
    })
    expect(protectedHeader).toMatchObject({ alg: 'RS256', typ: 'logout+jwt' })
    expect(payload).toMatchObject({ sub: claims.sub, sid: claims['sid'], events: { [BACK_CHANNEL_EVENT]: {} } })
    expect([typeof payload.iat, typeof payload.jti, payload['nonce']]).toEqual(['number', 'string', undefined])
    expect(await isSignedIn(client, person)).toBe(false)
  })
})
