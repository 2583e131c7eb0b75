import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { checkIdToken, checkRefusal, checkTokens } from './checks.ts'
import { Person } from './person.ts'
import type { RelyingParty } from './relying-party.ts'
import { REDIRECT_URI, Suite } from './suite.ts'

// The modules that are about the code, and so belong to the plans Basic and Hybrid.
const RESPONSE_TYPES = ['code', 'code id_token', 'code token', 'code id_token token']
const VERIFIER = 'a-verifier-of-forty-three-characters-or-more'
const CHALLENGE = Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(VERIFIER))).toString('base64url')

let suite: Suite
beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  suite = await Suite.start()
})
afterAll(async () => {
  await suite.server.close()
  vi.useRealTimers()
})

describe.each(RESPONSE_TYPES)('%s', (response_type) => {
  const metadata = {
    response_types: [response_type],
    grant_types: ['authorization_code', 'refresh_token', ...(response_type === 'code' ? [] : ['implicit'])]
  }
  const visitor = new Person()
  let client: RelyingParty
  beforeAll(async () => {
    client = await suite.register(metadata)
  })
  afterAll(() => suite.cleanUp())

  test('oidcc-codereuse', async () => {
    const { outcome } = await client.signIn({ response_type }, { person: visitor })
    expect(await checkRefusal(await client.redeem(outcome))).toBe('invalid_grant')
  })

  test('oidcc-codereuse-30seconds', async () => {
    const { outcome, tokens } = await client.signIn({ response_type }, { person: visitor })
    const issued = [tokens['access_token'], outcome.params['access_token']].filter((token) => token !== undefined)
    for (const token of issued) expect((await client.userinfo(token)).status).toBe(200)
    vi.setSystemTime(Date.now() + 30_000)
    expect(await checkRefusal(await client.redeem(outcome))).toBe('invalid_grant')
    for (const token of issued) expect((await client.userinfo(token)).status).toBe(401)
    expect(await checkRefusal(await client.refresh(tokens['refresh_token']))).toBe('invalid_grant')
  })

  test('oidcc-server-client-secret-post', async () => {
    const posting = await suite.register({ ...metadata, token_endpoint_auth_method: 'client_secret_post' })
    const { tokens } = await posting.signIn({ response_type }, { person: visitor })
    expect(tokens).toHaveProperty('id_token')
  })

  test('oidcc-refresh-token', async () => {
    const scope = 'openid offline_access'
    expect(suite.metadata['grant_types_supported']).toContain('refresh_token')
    const { claims: first, tokens } = await client.signIn({ response_type, scope, prompt: 'consent' }, { person: visitor })
    vi.setSystemTime(Date.now() + 2000)
    const refreshed = await checkTokens(await client.refresh(tokens['refresh_token'], { scope }))
    const claims = await checkIdToken(refreshed['id_token'] ?? '', {
      ...{ jwks: await suite.jwks(), issuer: suite.issuer, clientId: client.registration.client_id },
      // OpenID Connect Core §12.2: "it SHOULD NOT have a nonce Claim".
      ...{ nonce: undefined, accessToken: refreshed['access_token'] }
    })
    expect([claims.iss, claims.sub, claims.aud, claims['auth_time']]).toEqual([first.iss, first.sub, first.aud, first['auth_time']])
    expect(Number(claims.iat)).toBeGreaterThan(Number(first.iat))
    expect((await client.userinfo(refreshed['access_token'])).status).toBe(200)
    const second = await suite.register(metadata)
    expect(await checkRefusal(await second.refresh(refreshed['refresh_token']))).toBe('invalid_grant')
  })

  test('oidcc-ensure-request-with-valid-pkce-succeeds', async () => {
    const values = { response_type, code_challenge: CHALLENGE, code_challenge_method: 'S256' }
    await client.signIn(values, { person: visitor, redeem: { code_verifier: VERIFIER } })
    const outcome = await client.authorize(visitor, values)
    expect(await checkRefusal(await client.redeem(outcome, { code_verifier: `${VERIFIER}x` }))).toBe('invalid_grant')
    expect(await checkRefusal(await client.redeem(await client.authorize(visitor, values)))).toBe('invalid_grant')
  })
})

test('Basic authentication decodes both the form and base64', async () => {
  const secret = 'a secret with spaces, + and %, : and é'
  const { client_id } = await suite.server.authorization.clients.create({
    client_id: 'a client:with+odd%20characters',
    client_secret: secret,
    redirect_uris: [REDIRECT_URI],
    scope: 'openid'
  })
  const encoded = [client_id, secret].map((text) => new URLSearchParams({ '': text }).toString().slice(1)).join(':')
  const body = new URLSearchParams({ grant_type: 'authorization_code', code: 'x', redirect_uri: REDIRECT_URI })
  const headers = { authorization: `Basic ${btoa(encoded)}` }
  expect(await checkRefusal(await fetch(suite.url('token_endpoint'), { method: 'POST', body, headers }))).toBe('invalid_grant')
  const wrong = { authorization: `Basic ${btoa(`${encoded}x`)}` }
  expect(await checkRefusal(await fetch(suite.url('token_endpoint'), { method: 'POST', body, headers: wrong }))).toBe('invalid_client')
})
