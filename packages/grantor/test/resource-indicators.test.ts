import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import {
  type AuthorizationServerOptions,
  implicit,
  type NewClient,
  passwordGrant,
  requestObjects,
  resourceIndicators
} from '../src/index.ts'
import { openIdServer } from './openid-support.ts'
import { AUTHORIZATION, expectRedirectError, expectTokenError, ISSUER, query, TestServer } from './support.ts'

const R1 = 'https://orders.example.com/api'
const R2 = 'https://mail.example.com'
const R3 = 'urn:example:archive'
const RESOURCES = [
  { identifier: R1, scopes: ['read', 'write'], settings: { accessTokenLifetime: 600 } },
  { identifier: R2, scopes: ['send', 'read'] },
  { identifier: R3, settings: { accessTokenFormat: 'jwt' }, signingAlgorithm: 'RS256' }
]
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

async function ready(options: Partial<AuthorizationServerOptions> = {}, metadata: NewClient = {}) {
  const test = new TestServer({
    resources: RESOURCES,
    signingAlgorithms: ['ES256', 'RS256'],
    extensions: [resourceIndicators(), ...(options.extensions ?? [])],
    ...Object.fromEntries(Object.entries(options).filter(([name]) => name !== 'extensions'))
  })
  const client = await test.client({ scope: 'read write send other', ...metadata })
  const ask = (resource: readonly string[], params: Record<string, string | undefined> = {}) =>
    test.fetch(`/authorize?${query({ ...AUTHORIZATION, scope: 'read write send', ...params })}${repeated(resource)}`)
  const code = async (resource: readonly string[], params: Record<string, string | undefined> = {}) => {
    const response = await ask(resource, params)
    return new URL(response.headers.get('location') ?? 'about:blank').searchParams.get('code') ?? ''
  }
  const token = (params: Record<string, string>, resource: readonly string[] = []) => {
    const by = { client_id: client.client_id, client_secret: client.client_secret ?? '' }
    return test.post('/token', `${query({ ...by, ...params })}${repeated(resource)}`, FORM)
  }
  const redeem = (value: string, resource: readonly string[] = []) =>
    token(
      {
        grant_type: 'authorization_code',
        code: value,
        redirect_uri: AUTHORIZATION.redirect_uri,
        code_verifier: 'a-verifier-of-forty-three-characters-or-more'
      },
      resource
    )
  const refresh = (refresh_token: string, resource: readonly string[] = [], params = {}) =>
    token({ grant_type: 'refresh_token', refresh_token, ...params }, resource)
  const shown = (response: Record<string, string>) => test.introspect(client, response['access_token'] ?? '')
  return { test, client, ask, code, token, redeem, refresh, shown }
}

function repeated(resource: readonly string[]): string {
  return resource.map((value) => `&resource=${encodeURIComponent(value)}`).join('')
}

const BAD: readonly (readonly [string, readonly string[]])[] = [
  ['unregistered', ['https://unknown.example.com']],
  ['relative', ['/api']],
  ['with a fragment', [`${R1}#x`]],
  ['of another case', [R1.toUpperCase()]],
  ['with another case of the host', [R1.replace('orders', 'Orders')]],
  ['with a port', [R1.replace('.com', '.com:443')]],
  ['with a slash at the end', [`${R1}/`]],
  ['of another path', ['https://orders.example.com']],
  ['one of two that is unknown', [R1, 'https://unknown.example.com']],
  ['more than there can be', Array.from({ length: 150 }, (_, i) => `${R1}?${i}`)]
]

describe('the authorization endpoint (RFC 8707 §2.1)', () => {
  test('"Multiple resource parameters MAY be used", and no other parameter may be repeated', async () => {
    const { test, ask } = await ready()
    expect((await ask([R1, R2])).headers.get('location')).toContain('code=')
    const twice = await test.fetch(`/authorize?${query(AUTHORIZATION)}&audience=a&audience=b`)
    expect(expectRedirectError(twice, 'invalid_request').get('error_description')).toContain('audience')
    expectRedirectError(await test.fetch(`/authorize?${query(AUTHORIZATION)}&nonce=a&nonce=b`), 'invalid_request')
  })

  test.each(BAD)('RS-01 a resource that is %s is invalid_target', async (_, resource) => {
    const { ask } = await ready()
    expectRedirectError(await ask(resource), 'invalid_target')
  })

  test('"the requested resource is applicable to the full authorization grant"', async () => {
    const { redeem, refresh, code, shown } = await ready()
    const tokens = await (await redeem(await code([R1, R2]))).json()
    expect((await shown(tokens)).aud).toEqual([R1, R2])
    expect((await shown(await (await refresh(tokens.refresh_token)).json())).aud).toEqual([R1, R2])
  })

  test('RFC 6749 §4.2.2: a token that comes through the browser is for the resource, and says which scope it has', async () => {
    const { ask, shown } = await ready(
      { extensions: [implicit] },
      { grant_types: ['implicit', 'authorization_code'], response_types: ['code', 'token'] }
    )
    const response = await ask([R1], { response_type: 'token', scope: 'read write send' })
    const answer = Object.fromEntries(new URLSearchParams(new URL(response.headers.get('location') ?? '').hash.slice(1)))
    expect(answer).toMatchObject({ scope: 'read write', expires_in: '600' })
    expect(await shown(answer)).toMatchObject({ aud: R1, scope: 'read write' })
    expectRedirectError(await ask([R1, R3], { response_type: 'token' }), 'invalid_target')
  })

  test('"a single resource parameter value is represented as a JSON string while multiple values are represented as an array of strings"', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k' } as JsonWebKey] }
    const { test, redeem, shown } = await ready({ extensions: [requestObjects()] }, { jwks })
    for (const [resource, aud] of [
      [R1, R1],
      [
        [R1, R2],
        [R1, R2]
      ]
    ]) {
      const claims = { ...AUTHORIZATION, scope: 'read', resource, iss: 'app', aud: ISSUER }
      const request = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'k' }).sign(privateKey)
      const response = await test.fetch(`/authorize?${query({ client_id: 'app', request })}`)
      const code = new URL(response.headers.get('location') ?? '').searchParams.get('code') ?? ''
      expect((await shown(await (await redeem(code)).json())).aud).toEqual(aud)
    }
  })
})

describe('the token endpoint (RFC 8707 §2.2)', () => {
  test.each(BAD)(
    'RS-01 RT-07 a resource that is %s is invalid_target, and burns neither the code nor the refresh token',
    async (_, resource) => {
      const { code, redeem, refresh, shown } = await ready()
      const value = await code([R1])
      await expectTokenError(await redeem(value, resource), 400, 'invalid_target')
      const response = await redeem(value, [R1])
      expect(response.status).toBe(200)
      const tokens = await response.json()
      await expectTokenError(await refresh(tokens.refresh_token, resource), 400, 'invalid_target')
      const next = await (await refresh(tokens.refresh_token, [R1])).json()
      expect(next.refresh_token).not.toBe(tokens.refresh_token)
      expect(await shown(next)).toMatchObject({ active: true, aud: R1 })
    }
  )

  test('RS-01 a thousand resources are refused before they are read, and burn nothing', async () => {
    const { code, redeem } = await ready()
    const value = await code([R1])
    const many = Array.from({ length: 1000 }, () => R1)
    await expectTokenError(await redeem(value, many), 400, 'invalid_request')
    expect((await redeem(value, [R1])).status).toBe(200)
  })

  test('RS-01 CD-11 a resource that was not part of the authorization is invalid_target, and the code is not burned', async () => {
    const { code, redeem, shown } = await ready()
    const value = await code([R1])
    await expectTokenError(await redeem(value, [R2]), 400, 'invalid_target')
    await expectTokenError(await redeem(value, [R1, R2]), 400, 'invalid_target')
    await expectTokenError(await redeem(value, [ISSUER]), 400, 'invalid_target')
    expect(await shown(await (await redeem(value)).json())).toMatchObject({ aud: R1 })
    const without = await code([], { scope: 'other' })
    await expectTokenError(await redeem(without, [R1]), 400, 'invalid_target')
    expect(await shown(await (await redeem(without, [ISSUER])).json())).toMatchObject({ aud: ISSUER })
  })

  test('RS-02 "any refresh token that is returned is bound to the full original grant": R1, then R2, never R3', async () => {
    const { code, redeem, refresh, shown } = await ready()
    const first = await (await redeem(await code([R1, R2]), [R1])).json()
    expect(await shown(first)).toMatchObject({ aud: R1, scope: 'read write' })
    const second = await (await refresh(first.refresh_token, [R2])).json()
    expect(await shown(second)).toMatchObject({ aud: R2, scope: 'read send' })
    await expectTokenError(await refresh(second.refresh_token, [R3]), 400, 'invalid_target')
    await expectTokenError(await refresh(second.refresh_token, [R2, R3]), 400, 'invalid_target')
    const third = await (await refresh(second.refresh_token, [R1, R1])).json()
    expect(await shown(third)).toMatchObject({ aud: R1 })
  })

  test('RT-07 a retry for another resource gets no answer, one for the same gets the same', async () => {
    const { code, redeem, refresh } = await ready()
    const first = await (await redeem(await code([R1, R2]), [R1])).json()
    const second = await (await refresh(first.refresh_token, [R2])).json()
    await expectTokenError(await refresh(first.refresh_token, [R1]), 400, 'invalid_grant')
    expect(await (await refresh(first.refresh_token, [R2])).json()).toMatchObject({ access_token: second.access_token })
  })

  test('RS-03 without resource it is for the default audience, never for all', async () => {
    const { code, redeem, token, shown } = await ready()
    expect(await shown(await (await redeem(await code([], { scope: 'other' }))).json())).toMatchObject({ aud: ISSUER, scope: 'other' })
    expect(await shown(await (await token({ grant_type: 'client_credentials' })).json())).toMatchObject({ aud: ISSUER, scope: 'other' })
    const configured = await ready({ defaultResource: R1 })
    expect(await configured.shown(await (await configured.redeem(await configured.code([]))).json())).toMatchObject({
      aud: R1,
      scope: 'read write'
    })
    await expectTokenError(await configured.redeem(await configured.code([]), [R2]), 400, 'invalid_target')
  })

  test('RS-04 "downscope the scope value … to the value the respective resource is able to process": the answer says what is left', async () => {
    const { code, redeem, shown } = await ready()
    const tokens = await (await redeem(await code([R1], { scope: 'read send' }))).json()
    expect(tokens.scope).toBe('read')
    expect(await shown(tokens)).toMatchObject({ aud: R1, scope: 'read' })
    const both = await (await redeem(await code([R1, R2], { scope: 'write send' }))).json()
    expect(both).toMatchObject({ scope: 'write send', expires_in: 600 })
  })

  test('RS-04 what no resource lists stays with those that list nothing; a request of which nothing is left is invalid_scope', async () => {
    const { ask, code, redeem, token, shown } = await ready()
    expectRedirectError(await ask([R1], { scope: 'other' }), 'invalid_scope')
    expectRedirectError(await ask([], { scope: 'send' }), 'invalid_scope')
    const tokens = await (await redeem(await code([R3], { scope: 'other send' }))).json()
    expect(decodeJwt(tokens.access_token)).toMatchObject({ aud: R3, scope: 'other' })
    await expectTokenError(await token({ grant_type: 'client_credentials', scope: 'send' }, [R1]), 400, 'invalid_scope')
    const value = await code([R1, R2], { scope: 'send' })
    await expectTokenError(await redeem(value, [R1]), 400, 'invalid_scope')
    expect(await shown(await (await redeem(value, [R2])).json())).toMatchObject({ aud: R2, scope: 'send' })
  })

  test('RS-04 a refresh for one resource asks for no scope of another', async () => {
    const { code, redeem, refresh, shown } = await ready()
    const first = await (await redeem(await code([R1, R2]), [R1])).json()
    await expectTokenError(await refresh(first.refresh_token, [R1], { scope: 'send' }), 400, 'invalid_scope')
    expect(await shown(await (await refresh(first.refresh_token, [R2], { scope: 'send' })).json())).toMatchObject({
      aud: R2,
      scope: 'send'
    })
  })

  test('format, algorithm and lifetime are those of the resource', async () => {
    const { token } = await ready()
    const opaque = await (await token({ grant_type: 'client_credentials' }, [R1])).json()
    expect(opaque).toMatchObject({ access_token: expect.stringMatching(/^gat_/), expires_in: 600, scope: 'read write' })
    const jwt = await (await token({ grant_type: 'client_credentials' }, [R3])).json()
    expect(decodeProtectedHeader(jwt.access_token)).toMatchObject({ alg: 'RS256', typ: 'at+jwt' })
    expect(decodeJwt(jwt.access_token).aud).toBe(R3)
  })

  test('several resources share a token only where their formats and signatures agree; otherwise the code waits for one of them', async () => {
    const { code, redeem, refresh, token } = await ready({
      resources: [...RESOURCES, { identifier: 'urn:example:es', settings: { accessTokenFormat: 'jwt' } }]
    })
    const value = await code([R1, R3], { scope: 'read other' })
    for (const resource of [[], [R1, R3]]) {
      const response = await redeem(value, resource)
      expect((await response.clone().json()).error_description).toContain('ask for one token each, with the parameter resource')
      await expectTokenError(response, 400, 'invalid_target')
    }
    const tokens = await (await redeem(value, [R3])).json()
    expect(decodeJwt(tokens.access_token).aud).toBe(R3)
    expect((await refresh(tokens.refresh_token, [R1])).status).toBe(200)
    await expectTokenError(await token({ grant_type: 'client_credentials' }, [R3, 'urn:example:es']), 400, 'invalid_target')
  })

  test('for all grant types: client_credentials, and one whose refresh token stays with what was asked for', async () => {
    const password = passwordGrant({ authenticate: async () => ({ subject: 'alice' }) })
    const { token, refresh, shown } = await ready(
      { extensions: [password] },
      { grant_types: ['password', 'refresh_token', 'client_credentials'] }
    )
    expect(await shown(await (await token({ grant_type: 'client_credentials' }, [R1, R2])).json())).toMatchObject({ aud: [R1, R2] })
    const first = await (await token({ grant_type: 'password', username: 'a', password: 'b' }, [R1])).json()
    expect(await shown(first)).toMatchObject({ aud: R1 })
    const second = await (await refresh(first.refresh_token)).json()
    expect(await shown(second)).toMatchObject({ aud: R1 })
    await expectTokenError(await refresh(second.refresh_token, [R2]), 400, 'invalid_target')
  })
})

describe('the resources of a client', () => {
  test('are all that it may ask for, at both endpoints; missing is invalid_target where the default is not among them', async () => {
    const { ask, code, redeem, token, shown } = await ready({ defaultResource: R2 }, { resources: [R1, ISSUER] })
    expectRedirectError(await ask([R2]), 'invalid_target')
    expectRedirectError(await ask([]), 'invalid_target')
    await expectTokenError(await token({ grant_type: 'client_credentials' }, [R2]), 400, 'invalid_target')
    await expectTokenError(await token({ grant_type: 'client_credentials' }), 400, 'invalid_target')
    expect(await shown(await (await redeem(await code([R1]))).json())).toMatchObject({ aud: R1 })
  })

  test('taken away, they are no longer in what a refresh gives', async () => {
    const { test, code, redeem, refresh, shown } = await ready()
    const first = await (await redeem(await code([R1, R2]))).json()
    await test.server.clients.update('app', { resources: [R2] })
    test.now += 2
    const second = await (await refresh(first.refresh_token)).json()
    expect(await shown(second)).toMatchObject({ aud: R2, scope: 'read send' })
    await test.server.clients.update('app', { resources: [R3] })
    test.now += 2
    await expectTokenError(await refresh(second.refresh_token), 400, 'invalid_target')
  })

  test('are absolute URIs', async () => {
    await expect(ready({}, { resources: ['api'] })).rejects.toThrow('resources is a list, each entry of it an absolute URI')
  })
})

describe('consent', () => {
  test('what was allowed at one resource is asked about again at another, and only then', async () => {
    const { test, ask } = await ready({}, { require_consent: true })
    const consent = async (resource: readonly string[], scope: string) => {
      const before = test.prompts.length
      const response = await ask(resource, { scope })
      const interaction = test.prompts[before]
      if (!interaction) return response.headers.get('location')?.includes('code=') ? 'silent' : response.headers.get('location')
      const cookie = [...test.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const http = { headers: new Headers({ cookie }) } as never
      await test.server.interactions.resolve(http, interaction.id, { consent: { subject: 'alice', scope: interaction.scope } })
      expect((await test.fetch(interaction.returnTo)).headers.get('location')).toContain('code=')
      return [interaction.reason, interaction.details['resource'] ?? null]
    }
    expect(await consent([R1], 'read')).toEqual(['new_scope', [R1]])
    expect(await consent([R1], 'read')).toBe('silent')
    expect(await consent([R2], 'read')).toEqual(['new_resource', [R2]])
    expect(await consent([R1, R2], 'read')).toBe('silent')
    expect(await consent([R2], 'send')).toEqual(['new_scope', [R2]])
    expect(await consent([], 'other')).toEqual(['new_scope', null])
    expect(await consent([R3], 'other')).toEqual(['new_resource', [R3]])
    expect(await consent([], 'other')).toBe('silent')
  })

  test('nobody is asked about the scope of a resource that the token is not for', async () => {
    const { test, ask } = await ready({}, { require_consent: true })
    await ask([R1], { scope: 'read send other' })
    expect(test.prompts[0]?.scope).toEqual(['read', 'other'])
  })
})

test('OpenID Connect: the ID token comes beside a token for an API, and userinfo has one of its own', async () => {
  const { test, client } = await openIdServer({}, { resources: RESOURCES.slice(0, 2), extensions: [resourceIndicators()] })
  await test.server.clients.update(client.client_id, { scope: 'openid email read' })
  test.now += 2
  const authorization = query({ ...AUTHORIZATION, client_id: client.client_id, scope: 'openid email read', nonce: 'n' })
  const response = await test.fetch(`/authorize?${authorization}${repeated([R1, ISSUER])}`)
  const code = new URL(response.headers.get('location') ?? '').searchParams.get('code') ?? ''
  const api = await (await test.redeem(client, code, { resource: R1 })).json()
  expect(api).toMatchObject({ scope: 'read', id_token: expect.any(String) })
  const userinfo = (token: string) => test.fetch('/userinfo', { headers: { authorization: `Bearer ${token}` } })
  expect((await userinfo(api.access_token)).status).toBe(401)
  const own = await (await test.token(client, { grant_type: 'refresh_token', refresh_token: api.refresh_token, resource: ISSUER })).json()
  expect(own.scope).toBe('openid email')
  expect((await userinfo(own.access_token)).status).toBe(200)
})

describe('configuration', () => {
  test('the metadata lists resources only if it is wanted, and only those with an https URL (RFC 9728 §4)', async () => {
    const { test } = await ready()
    expect(test.server.metadata()).not.toHaveProperty('protected_resources')
    const open = new TestServer({
      resources: RESOURCES,
      signingAlgorithms: ['ES256', 'RS256'],
      extensions: [resourceIndicators({ advertised: true })]
    })
    expect(open.server.metadata()['protected_resources']).toEqual([R1, R2])
  })

  test('scopes and name of a resource are what they must be', () => {
    const build = (resource: object) => () => new TestServer({ resources: [{ identifier: R1, ...resource }] })
    expect(build({ scopes: ['a b'] })).toThrow('scopes is a list, each entry of it a scope token')
    expect(build({ scopes: 'a' })).toThrow('scopes is a list')
    expect(build({ name: '' })).toThrow('name is a text')
  })

  test('not passed, not there: resource is ignored, and the member resources of a client is unknown', async () => {
    const test = new TestServer({ resources: [{ identifier: R1 }] })
    const client = await test.client()
    const code = await test.code({ resource: R1 })
    const tokens = await (await test.redeem(client, code, { resource: 'https://unknown.example.com' })).json()
    expect(await test.introspect(client, tokens.access_token)).toMatchObject({ aud: ISSUER })
    await expect(test.client({ client_id: 'b', resources: [R1] })).rejects.toThrow('there is no resources')
  })
})
