import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { stepUp, stepUpChallenge } from '../src/index.ts'
import { AUTHENTICATION, openIdServer } from './openid-support.ts'
import { expectRedirectError, START, TestServer } from './support.ts'

const PASSWORD = 'urn:pwd'
const HARDWARE = 'urn:hardware'
const extension = stepUp({ acrValues: [PASSWORD, HARDWARE] })
const signedIn = (acr?: string, id = 's1', authTime = START - 600) => ({
  id,
  subject: 'alice',
  authTime,
  ...(acr !== undefined && { acr })
})

async function ready(accessTokenFormat = 'opaque') {
  const test = new TestServer({ extensions: [extension], accessTokenFormat })
  test.session = signedIn(PASSWORD)
  const client = await test.client()
  /** As an API that got the token would see it. */
  const introspected = async (code: string) => {
    const { access_token: token, refresh_token } = await (await test.redeem(client, code)).json()
    return { token, refresh_token, claims: await test.introspect(client, token) }
  }
  return { test, client, introspected }
}

describe.each([['opaque'], ['jwt']])('an API that wants a better sign-in (RFC 9470), %s tokens', (format) => {
  test('is told of acr and auth_time (§6), asks for more (§3), the person signs in again (§5), and it is served', async () => {
    const { test, introspected } = await ready(format)
    const requirement = { acrValues: [HARDWARE], maxAge: 300 }
    const { claims } = await introspected(await test.code())
    expect(claims).toMatchObject({ acr: PASSWORD, auth_time: START - 600 })
    const challenge = stepUpChallenge(claims, requirement, { now: test.now }) ?? ''
    const asked = Object.fromEntries([...challenge.matchAll(/(acr_values|max_age)="([^"]+)"/g)].map(([, name, value]) => [name, value]))
    expect(asked).toEqual({ acr_values: HARDWARE, max_age: '300' })
    await test.authorize(asked)
    expect(test.prompts).toMatchObject([{ prompt: 'login', acrValues: [HARDWARE] }])
    test.now += 20
    test.session = signedIn(HARDWARE, 's2', test.now)
    const response = await test.fetch(test.prompts[0]?.returnTo ?? '')
    const better = await introspected(new URL(response.headers.get('location') ?? '').searchParams.get('code') ?? '')
    expect(better.claims).toMatchObject({ acr: HARDWARE, auth_time: test.now })
    expect(stepUpChallenge(better.claims, requirement, { now: test.now })).toBeUndefined()
  })

  test('RFC 9068 §2.2.1: acr and auth_time stay the same in every token of an authorization, whatever the session becomes', async () => {
    const { test, client, introspected } = await ready(format)
    const { refresh_token } = await introspected(await test.code())
    test.session = signedIn(HARDWARE, 's2', test.now)
    const { access_token } = await (await test.token(client, { grant_type: 'refresh_token', refresh_token })).json()
    expect(await test.introspect(client, access_token)).toMatchObject({ acr: PASSWORD, auth_time: START - 600 })
    if (format === 'jwt') expect(decodeJwt(access_token)).toMatchObject({ acr: PASSWORD, auth_time: START - 600 })
  })
})

describe('acr_values of an authorization request', () => {
  test('are met by the session: nobody is asked', async () => {
    const { test } = await ready()
    expect(await test.code({ acr_values: `${HARDWARE} ${PASSWORD}` })).toMatch(/^gac_/)
    expect(test.prompts).toEqual([])
  })

  test('ask for a sign-in, whose failure to reach them is unmet_authentication_requirements, not a loop', async () => {
    const { test } = await ready()
    test.session = signedIn()
    await test.authorize({ acr_values: HARDWARE })
    expect(test.prompts).toMatchObject([{ prompt: 'login', reason: 'acr_values' }])
    test.session = signedIn(PASSWORD, 's2', test.now)
    expectRedirectError(await test.fetch(test.prompts[0]?.returnTo ?? ''), 'unmet_authentication_requirements')
  })

  test('with prompt=none are login_required', async () => {
    const { test } = await ready()
    expectRedirectError(await test.authorize({ acr_values: HARDWARE, prompt: 'none' }), 'login_required')
  })

  test('that no sign-in here reaches are refused at once; those that are no list are invalid_request', async () => {
    const { test } = await ready()
    expectRedirectError(await test.authorize({ acr_values: 'urn:other' }), 'unmet_authentication_requirements')
    expectRedirectError(await test.authorize({ acr_values: 'a"b' }), 'invalid_request')
    expectRedirectError(await test.authorize({ acr_values: Array.from({ length: 21 }, (_, i) => `${i}`).join(' ') }), 'invalid_request')
    expect(test.prompts).toEqual([])
  })

  test('count in OpenID Connect too, and the default_acr_values of a client do where it names none', async () => {
    const { test } = await openIdServer({}, { extensions: [extension] })
    test.session = signedIn(PASSWORD)
    await test.authorize({ ...AUTHENTICATION, acr_values: HARDWARE })
    await test.server.clients.update('app', { default_acr_values: [HARDWARE] })
    test.now += 2
    await test.authorize(AUTHENTICATION)
    expect(test.prompts.map(({ reason }) => reason)).toEqual(['acr_values', 'acr_values'])
    expect(await test.code({ ...AUTHENTICATION, acr_values: PASSWORD })).toMatch(/^gac_/)
  })
})

describe('the challenge (§3)', () => {
  const now = START

  test('names what is wanted, by the scheme of the token', () => {
    expect(stepUpChallenge({}, { acrValues: [HARDWARE, 'urn:x'] }, { now })).toBe(
      'Bearer error="insufficient_user_authentication", error_description="another way of signing in is required", acr_values="urn:hardware urn:x"'
    )
    expect(stepUpChallenge({ auth_time: now - 61 }, { maxAge: 60 }, { now, scheme: 'DPoP' })).toBe(
      'DPoP error="insufficient_user_authentication", error_description="a more recent sign-in is required", max_age="60"'
    )
    expect(stepUpChallenge({}, { acrValues: ['a"\r\nb'] }, { now })).not.toMatch(/[\r\n]|a"/)
  })

  test.each([
    [{ acr: HARDWARE, auth_time: now - 60 }, { acrValues: [HARDWARE], maxAge: 60 }, true],
    [{ acr: HARDWARE }, { acrValues: [PASSWORD, HARDWARE] }, true],
    [{}, {}, true],
    [{ acr: HARDWARE }, { acrValues: [HARDWARE], maxAge: 60 }, false],
    [{ acr: [HARDWARE], auth_time: now }, { acrValues: [HARDWARE] }, false],
    [{ auth_time: `${now}` }, { maxAge: 60 }, false],
    [{ auth_time: now }, { acrValues: [] }, false]
  ])('%j is enough for %j: %s', (claims, requirement, isEnough) => {
    expect(stepUpChallenge(claims, requirement, { now }) === undefined).toBe(isEnough)
  })
})

test('beside the acrValues of openid, the metadata lists those of both once; another member still has one author', async () => {
  const { test } = await openIdServer({ acrValues: [PASSWORD, 'urn:silver'] }, { extensions: [extension] })
  expect(test.server.metadata()['acr_values_supported']).toEqual([PASSWORD, 'urn:silver', HARDWARE])
  const member = (value: unknown) => () => ({ metadata: { example: value } })
  for (const other of [['b'], 'b']) {
    const build = () => new TestServer({ extensions: [member('a'), member(other)] })
    expect(build).toThrow('the metadata member example is contributed twice')
  }
})

test('§7 the metadata lists acr_values_supported; not passed, not there: acr_values ask for nothing', async () => {
  const { test } = await ready()
  expect(test.server.metadata()['acr_values_supported']).toEqual([PASSWORD, HARDWARE])
  const plain = new TestServer()
  plain.session = signedIn(PASSWORD)
  await plain.client()
  expect(await plain.code({ acr_values: HARDWARE })).toMatch(/^gac_/)
  expect(plain.server.metadata()).not.toHaveProperty('acr_values_supported')
})
