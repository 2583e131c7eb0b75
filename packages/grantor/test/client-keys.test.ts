import type { RequestListener } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { secureHosts } from './secure-hosts.ts'
import { expectTokenError, ISSUER, TestServer } from './support.ts'

const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

const hosts = secureHosts()

async function newKey(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid } }
}

/** A client that publishes its keys on a server of its own. */
async function ready() {
  const key = await newKey('first')
  const json = (body: unknown): RequestListener => {
    return (_request, response) => response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  }
  let answer = json({ keys: [key.jwk] })
  const { host, origin, ca } = await hosts.open((request, response) => answer(request, response))
  const test = new TestServer({ outbound: { allow: [origin], ca } })
  await test.client({ token_endpoint_auth_method: 'private_key_jwt', jwks_uri: `${origin}/jwks` })
  let jti = 0
  const ask = async ({ kid, privateKey } = key) => {
    const claims = { iss: 'app', sub: 'app', aud: ISSUER, jti: `j${jti++}`, exp: test.now + 60 }
    const client_assertion = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey)
    return test.post('/token', { grant_type: 'client_credentials', client_assertion_type: TYPE, client_assertion })
  }
  const proven = async (by = key) => expect((await ask(by)).status).toBe(200)
  const refused = async (by = key) => expectTokenError(await ask(by), 401, 'invalid_client')
  const publish = (next: RequestListener) => {
    answer = next
  }
  return { test, host, json, publish, ask, proven, refused, key }
}

describe('CA-16 keys at jwks_uri', () => {
  test('are fetched once for many who need them at once, and again after a minute', async () => {
    const { test, host, ask, proven } = await ready()
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask()))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    test.now += 59
    await proven()
    expect(host.requests).toHaveLength(1)
    test.now += 1
    await proven()
    expect(host.requests).toHaveLength(2)
  })

  test('are fetched again for a new name, and no more often for any number of invented ones', async () => {
    const { test, host, json, publish, proven, refused, key } = await ready()
    await proven()
    const next = await newKey('next')
    publish(json({ keys: [next.jwk] }))
    test.now += 5
    await Promise.all([proven(next), proven(next), proven(next)])
    expect(host.requests).toHaveLength(2)
    await refused()
    for (let i = 0; i < 30; i++) await refused({ ...key, kid: `invented-${i}` })
    await Promise.all(Array.from({ length: 30 }, (_, i) => refused({ ...key, kid: `at-once-${i}` })))
    await proven(next)
    expect(host.requests).toHaveLength(2)
    test.now += 5
    await Promise.all(Array.from({ length: 30 }, (_, i) => refused({ ...key, kid: `later-${i}` })))
    expect(host.requests).toHaveLength(3)
  })

  const failures: [string, RequestListener][] = [
    ['an error', (_request, response) => response.writeHead(500).end('{"keys":[]}')],
    ['a redirect', (_request, response) => response.writeHead(302, { location: '/other' }).end()],
    ['a page', (_request, response) => response.end('<!doctype html><title>Sorry</title>')],
    ['more than 512 KiB', (_request, response) => response.end(`{"keys":[],"x":"${'x'.repeat(524_288)}"}`)],
    [
      'half of it',
      (request, response) => response.writeHead(200, { 'content-length': '100' }).write('{"keys":', () => request.socket.destroy())
    ],
    ['nothing', (request) => request.socket.destroy()]
  ]

  test.each(failures)('count for a day where the server of the client answers with %s', async (_, failure) => {
    const { test, host, json, publish, proven, refused, key } = await ready()
    await proven()
    publish(failure)
    test.now += 60
    await proven()
    await refused({ ...(await newKey('next')) })
    const asked = host.requests.length
    await proven()
    expect(host.requests).toHaveLength(asked)
    test.now += 86_340
    await proven()
    test.now += 60
    await refused()
    publish(json({ keys: [key.jwk] }))
    test.now += 60
    await proven()
  })

  test.each(failures)('are none where it never answered with anything but %s, and it is asked once a minute', async (_, failure) => {
    const { test, host, publish, refused, key } = await ready()
    publish(failure)
    await refused()
    const asked = host.requests.length
    await Promise.all(Array.from({ length: 20 }, () => refused(key)))
    expect([asked, host.requests.length]).toEqual([1, 1])
    test.now += 60
    await refused()
    expect(host.requests.length).toBe(2)
  })

  test('do not count any longer where others came in their place, be these wrong', async () => {
    const { test, json, publish, proven, refused, key } = await ready()
    for (const wrong of [{ keys: [] }, { keys: [{ ...key.jwk, d: 'x' }] }, { keys: 'x' }, null, []]) {
      publish(json({ keys: [key.jwk] }))
      test.now += 60
      await proven()
      publish(json(wrong))
      test.now += 60
      await refused()
    }
  })

  test('are fetched again when the clock was set back', async () => {
    const { test, json, publish, proven, refused } = await ready()
    await proven()
    publish(json({ keys: [] }))
    test.now -= 3600
    await refused()
  })
})
