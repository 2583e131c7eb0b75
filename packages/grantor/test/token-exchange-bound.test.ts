import { describe, expect, test } from 'vitest'
import { dpop, mutualTls } from '../src/index.ts'
import { makeProof, newKey, type ProofKey } from './dpop-support.ts'
import { newCertificate, over, thumbprintOf } from './mutual-tls-support.ts'
import { expectTokenError, TestServer } from './support.ts'
import { ACCESS_TOKEN, EXCHANGE, exchangers, exchanging, type Params, RULE } from './token-exchange-support.ts'

async function ready(accessTokenFormat: string, metadata = {}) {
  const allow = [RULE, { client: 'app', from: ['app'], impersonation: true }]
  const test = new TestServer(exchanging(allow, { accessTokenFormat, extensions: [dpop()] }))
  const it = await exchangers(test, metadata)
  await test.server.clients.update('app', { grant_types: ['client_credentials', EXCHANGE] })
  test.now += 2
  const prove = async (key: ProofKey): Promise<Params> => ({ dpop: await makeProof(key, test.now) })
  const [own, key, other] = [await newKey(), await newKey(), await newKey()]
  const bound = await it.ownToken(it.app, {}, await prove(own))
  return { test, ...it, prove, own, key, other, bound }
}

describe.each(['opaque', 'jwt'])('a subject token in the format %s that is bound to a key', (accessTokenFormat) => {
  test('DP-12 TX-05 is not exchanged without a proof, and the new token is bound to the key of who asked for it', async () => {
    const { exchange, exchanged, gateway, prove, key, bound, shown } = await ready(accessTokenFormat)
    await expectTokenError(await exchange(bound), 400, 'invalid_request')
    const answer = await exchanged(bound, {}, gateway, await prove(key))
    expect(answer['token_type']).toBe('DPoP')
    expect(await shown(answer['access_token'])).toMatchObject({ token_type: 'DPoP', cnf: { jkt: key.jkt } })
  })

  test('DP-12 TX-05 is exchanged by the client that it was issued to with a proof of the same key only', async () => {
    const { test, app, exchange, exchanged, prove, own, other, bound } = await ready(accessTokenFormat)
    await expectTokenError(await exchange(bound, {}, app), 400, 'invalid_request')
    await expectTokenError(await exchange(bound, {}, app, await prove(other)), 400, 'invalid_request')
    const answer = await exchanged(bound, {}, app, await prove(own))
    expect(await test.introspect(app, answer['access_token'] ?? '')).toMatchObject({ cnf: { jkt: own.jkt } })
  })

  test('TX-05 an actor token that is bound needs the proof of its key', async () => {
    const { app, gateway, ownToken, exchange, exchanged, prove, key, other } = await ready(accessTokenFormat)
    const subject = await ownToken(app)
    const actor = { actor_token: await ownToken(gateway, {}, await prove(key)), actor_token_type: ACCESS_TOKEN }
    await expectTokenError(await exchange(subject, actor), 400, 'invalid_request')
    await expectTokenError(await exchange(subject, actor, gateway, await prove(other)), 400, 'invalid_request')
    expect((await exchanged(subject, actor, gateway, await prove(key)))['token_type']).toBe('DPoP')
  })

  test('DP-11 a client that must prove a key is refused without a proof here, too', async () => {
    const { app, ownToken, exchange } = await ready(accessTokenFormat, { dpop_bound_access_tokens: true })
    await expectTokenError(await exchange(await ownToken(app)), 400, 'invalid_dpop_proof')
  })
})

test('TX-05 a subject token that is bound to a certificate is exchanged over TLS with one only, and the new token is bound to that', async () => {
  const test = new TestServer(exchanging([RULE], { extensions: [mutualTls()] }))
  const bound = { tls_client_certificate_bound_access_tokens: true }
  const { app, ownToken, exchange, shown } = await exchangers(test, bound)
  await test.server.clients.update('app', bound)
  test.now += 2
  const [own, other] = [await newCertificate(), await newCertificate()]
  const subject = await over(test, own, () => ownToken(app))
  await expectTokenError(await exchange(subject), 400, 'invalid_request')
  const answer = await (await over(test, other, () => exchange(subject))).json()
  expect(await shown(answer.access_token)).toMatchObject({ active: true, cnf: { 'x5t#S256': await thumbprintOf(other) } })
})
