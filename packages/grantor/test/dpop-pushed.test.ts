import { describe, expect, test } from 'vitest'
import { type DpopOptions, pushedAuthorizationRequests } from '../src/index.ts'
import { ask, codeParams, dpopServer, makeProof, newKey } from './dpop-support.ts'
import { AUTHORIZATION, basic, expectTokenError, ISSUER } from './support.ts'

async function ready(options: DpopOptions = {}) {
  const parts = await dpopServer(options, { extensions: [pushedAuthorizationRequests()] }, { scope: 'read' })
  const { test, client } = parts
  const proof = (key = parts.key, claims: object = {}) => makeProof(key, test.now, { claims: { htu: `${ISSUER}/par`, ...claims } })
  const push = (dpop: string | undefined, params: Record<string, string> = {}) =>
    test.post(
      '/par',
      { ...AUTHORIZATION, client_id: 'machine', ...params },
      {
        ...basic('machine', client.client_secret ?? ''),
        ...(dpop !== undefined && { dpop })
      }
    )
  const codeOf = async (pushed: Response) => {
    const { request_uri } = await pushed.json()
    const response = await test.fetch(`/authorize?${new URLSearchParams({ client_id: 'machine', request_uri })}`)
    return new URL(response.headers.get('location') ?? 'about:blank').searchParams.get('code') ?? ''
  }
  const redeem = async (code: string, key = parts.key) => ask(test, client, codeParams(code), await makeProof(key, test.now))
  return { ...parts, proof, push, codeOf, redeem }
}

describe('a DPoP proof with a pushed request', () => {
  test('DP-10 binds the code to its key', async () => {
    const { test, client, proof, push, codeOf, redeem } = await ready()
    const code = await codeOf(await push(await proof()))
    await expectTokenError(await redeem(code, await newKey()), 400, 'invalid_grant')
    await expectTokenError(await ask(test, client, codeParams(code)), 400, 'invalid_grant')
    expect(await (await redeem(code)).json()).toMatchObject({ token_type: 'DPoP' })
  })

  test('DP-10 mismatched-dpop-jkt: the server MUST reject the request if dpop_jkt is another key', async () => {
    const { key, proof, push, codeOf, redeem } = await ready()
    await expectTokenError(await push(await proof(), { dpop_jkt: (await newKey()).jkt }), 400, 'invalid_dpop_proof')
    expect((await redeem(await codeOf(await push(await proof(), { dpop_jkt: key.jkt })))).status).toBe(200)
  })

  test('is judged as everywhere: its URL, its method, its jti', async () => {
    const { proof, push } = await ready()
    await expectTokenError(await push(await proof(undefined, { htu: `${ISSUER}/token` })), 400, 'invalid_dpop_proof')
    await expectTokenError(await push(await proof(undefined, { htm: 'GET' })), 400, 'invalid_dpop_proof')
    const once = await proof()
    expect((await push(once)).status).toBe(201)
    await expectTokenError(await push(once), 400, 'invalid_dpop_proof')
  })

  test('is asked for a nonce where the server wants one', async () => {
    const { proof, push } = await ready({ nonces: true })
    const challenge = await push(await proof())
    const nonce = challenge.headers.get('dpop-nonce') ?? ''
    await expectTokenError(challenge, 400, 'use_dpop_nonce')
    expect((await push(await proof(undefined, { nonce }))).status).toBe(201)
  })

  test('may be left out; the code is bound to nothing then', async () => {
    const { push, codeOf, redeem } = await ready()
    expect((await redeem(await codeOf(await push(undefined)), await newKey())).status).toBe(200)
  })
})
