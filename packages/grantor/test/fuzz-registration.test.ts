import fc from 'fast-check'
import { exportJWK, generateKeyPair } from 'jose'
import { expect, test } from 'vitest'
import {
  backChannelLogout,
  clientSecretJwt,
  dynamicRegistration,
  frontChannelLogout,
  implicit,
  requestObjects,
  rpInitiatedLogout
} from '../src/index.ts'
import { openIdServer, PAIRWISE_KEY } from './openid-support.ts'
import { REDIRECT_URI, type TestServer } from './support.ts'

const RUNS = 800
const jwk = await exportJWK((await generateKeyPair('ES256', { extractable: true })).publicKey)
const URLS = [
  'https://client.example.com/x',
  'https://other.example/x',
  'http://localhost/x',
  'com.example.app:/x',
  'javascript:alert(1)',
  ''
]
const ALGORITHMS = ['ES256', 'RS256', 'HS256', 'Ed25519', 'none', 'ECDH-ES', 'A256GCM']

/** Mostly what somebody may mean who has read the specifications, one by one or in lists. */
const SENSIBLE: Record<string, readonly unknown[]> = {
  redirect_uris: [[REDIRECT_URI], [REDIRECT_URI, 'http://localhost/cb'], ['https://localhost/cb'], ['com.example.app:/cb'], []],
  grant_types: [['authorization_code'], ['authorization_code', 'implicit', 'refresh_token'], ['client_credentials'], ['password'], []],
  response_types: [['code'], ['id_token code', 'code'], ['token'], ['none'], []],
  token_endpoint_auth_method: ['none', 'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt'],
  scope: ['openid', 'openid email', 'admin', ''],
  application_type: ['web', 'native'],
  jwks: [{ keys: [jwk] }, { keys: [] }, { keys: [{ ...jwk, x: 'AA' }] }],
  subject_type: ['public', 'pairwise'],
  default_max_age: [0, 10, -1],
  request_uris: [['https://client.example.com/r#1']],
  ...Object.fromEntries(
    ['client_name', 'client_name#ja', 'software_id', 'client_id', 'constructor'].map((name) => [name, ['x', '', '\0']])
  ),
  ...Object.fromEntries(
    ['client_uri', 'logo_uri', 'tos_uri#fr', 'initiate_login_uri', 'jwks_uri', 'backchannel_logout_uri', 'frontchannel_logout_uri'].map(
      (name) => [name, URLS]
    )
  ),
  post_logout_redirect_uris: URLS.map((url) => [url]),
  ...Object.fromEntries(
    [
      ...['token_endpoint_auth_signing_alg', 'id_token_signed_response_alg', 'userinfo_signed_response_alg', 'request_object_signing_alg'],
      ...['id_token_encrypted_response_alg', 'id_token_encrypted_response_enc', 'request_object_encryption_enc']
    ].map((name) => [name, ALGORITHMS])
  ),
  ...Object.fromEntries(['require_auth_time', 'require_signed_request_object', 'settings', 'verified'].map((name) => [name, [true]]))
}
const member = fc.constantFrom(...Object.entries(SENSIBLE)).chain(([name, values]) => {
  const any = fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: fc.jsonValue() })
  return fc.tuple(fc.constant(name), any)
})

async function send(test: TestServer, method: string, url: string, body?: object, token?: string) {
  const headers = { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) }
  const response = await test.fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) })
  return { status: response.status, told: (await response.json()) as Record<string, unknown> }
}

test('RG-05: whatever is sent, it is registered or refused by name; and what a client was told of itself, it may say again and is told again', async () => {
  const allow = { grantTypes: ['authorization_code', 'implicit', 'refresh_token', 'client_credentials'] }
  const extensions = [
    ...[implicit, clientSecretJwt, requestObjects({ byReference: true, encrypted: true })],
    ...[rpInitiatedLogout(), backChannelLogout(), frontChannelLogout(), dynamicRegistration({ access: 'open', quota: false, allow })]
  ]
  const { test } = await openIdServer({ pairwiseKey: PAIRWISE_KEY, responseTypes: ['code id_token'] }, { extensions })
  const statuses = new Map<number, number>()
  await fc.assert(
    fc.asyncProperty(fc.array(member, { maxLength: 5 }), async (members) => {
      const { status, told } = await send(test, 'POST', '/register', { redirect_uris: [REDIRECT_URI], ...Object.fromEntries(members) })
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (status === 400) return void expect(['invalid_client_metadata', 'invalid_redirect_uri']).toContain(told['error'])
      expect(status).toBe(201)
      const { registration_access_token, registration_client_uri, client_secret_expires_at: _end, client_secret, ...registered } = told
      const { client_id_issued_at: _issued, ...metadata } = registered
      const again = { ...metadata, ...(client_secret !== undefined && { client_secret }) }
      const updated = await send(test, 'PUT', String(registration_client_uri), again, String(registration_access_token))
      const { registration_access_token: next, ...now } = updated.told
      expect({ status: updated.status, told: now }).toEqual({ status: 200, told: { ...registered, registration_client_uri } })
      expect((await send(test, 'GET', String(registration_client_uri), undefined, String(next))).told).toEqual(updated.told)
    }),
    { numRuns: RUNS }
  )
  for (const status of [201, 400]) expect(statuses.get(status)).toBeGreaterThan(RUNS / 8)
})
