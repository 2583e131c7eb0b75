import { afterAll, beforeAll, expect, test } from 'vitest'
import { startServer } from '../support.ts'
import { Suite } from './suite.ts'

// IANA, OAuth Authorization Server Metadata: what the specifications behind this server registered there.
const REGISTERED = [
  ...[
    'issuer',
    'authorization_endpoint',
    'token_endpoint',
    'jwks_uri',
    'registration_endpoint',
    'scopes_supported',
    'service_documentation'
  ],
  ...[
    'response_types_supported',
    'response_modes_supported',
    'grant_types_supported',
    'ui_locales_supported',
    'op_policy_uri',
    'op_tos_uri'
  ],
  ...['token', 'revocation', 'introspection'].flatMap((name) => [
    `${name}_endpoint_auth_methods_supported`,
    `${name}_endpoint_auth_signing_alg_values_supported`
  ]),
  ...['revocation_endpoint', 'introspection_endpoint', 'code_challenge_methods_supported', 'signed_metadata'],
  ...['device_authorization_endpoint', 'tls_client_certificate_bound_access_tokens', 'mtls_endpoint_aliases'],
  ...['userinfo_endpoint', 'acr_values_supported', 'subject_types_supported', 'display_values_supported', 'claim_types_supported'],
  ...['id_token', 'userinfo', 'request_object'].flatMap((name) => [
    `${name}_signing_alg_values_supported`,
    `${name}_encryption_alg_values_supported`,
    `${name}_encryption_enc_values_supported`
  ]),
  ...['claims_supported', 'claims_locales_supported', 'claims_parameter_supported', 'request_parameter_supported'],
  ...['request_uri_parameter_supported', 'require_request_uri_registration', 'require_signed_request_object'],
  ...['pushed_authorization_request_endpoint', 'require_pushed_authorization_requests', 'dpop_signing_alg_values_supported'],
  ...['authorization_response_iss_parameter_supported', 'authorization_details_types_supported', 'prompt_values_supported'],
  ...['check_session_iframe', 'end_session_endpoint', 'frontchannel_logout_supported', 'frontchannel_logout_session_supported'],
  ...['backchannel_logout_supported', 'backchannel_logout_session_supported']
]
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/

let suite: Suite
let plain: Awaited<ReturnType<typeof startServer>>
beforeAll(async () => {
  suite = await Suite.start()
  plain = await startServer()
})
afterAll(async () => {
  await suite.server.close()
  await plain.server.close()
})

/** 3.0, 10, and what OpenID Connect Discovery §3 requires of everybody. */
async function checkDiscovery(issuer: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${issuer}/.well-known/openid-configuration`)
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
  const metadata: Record<string, unknown> = await response.json()
  expect(Object.keys(metadata).filter((name) => !REGISTERED.includes(name))).toEqual([])
  expect(metadata['issuer']).toBe(issuer)
  // The suite wants https; here a loopback issuer is on http, and every endpoint must be where the issuer is.
  const urls = Object.entries(metadata).filter(([name]) => name.endsWith('_endpoint') || name === 'jwks_uri')
  for (const [, url] of urls) expect(String(url).startsWith(`${issuer}/`)).toBe(true)
  for (const name of ['authorization_endpoint', 'token_endpoint', 'userinfo_endpoint', 'jwks_uri']) expect(metadata).toHaveProperty(name)
  for (const scope of metadata['scopes_supported'] as string[]) expect(scope).toMatch(SCOPE_TOKEN)
  expect(metadata['scopes_supported']).toContain('openid')
  expect(metadata['id_token_signing_alg_values_supported']).toContain('RS256')
  expect(metadata['subject_types_supported']).toContain('public')
  expect(metadata['claims_supported']).toEqual(expect.arrayContaining(['sub', 'iss', 'auth_time', 'name', 'email', 'updated_at']))
  expect([metadata['claims_parameter_supported'], metadata['authorization_response_iss_parameter_supported']]).toEqual([true, true])
  for (const [name, value] of Object.entries(metadata))
    if (Array.isArray(value)) expect([name, new Set(value).size]).toEqual([name, value.length])
  return metadata
}

test('oidcc-discovery-endpoint-verification, plan Config: of a server as it is installed', async () => {
  const metadata = await checkDiscovery(plain.issuer)
  expect(metadata['response_types_supported']).toContain('code')
})

test('oidcc-discovery-endpoint-verification, plan Dynamic', async () => {
  const metadata = await checkDiscovery(suite.issuer)
  expect(metadata['response_types_supported']).toEqual(expect.arrayContaining(['code', 'id_token', 'id_token token']))
  expect(metadata['grant_types_supported']).toEqual(expect.arrayContaining(['authorization_code', 'implicit', 'refresh_token']))
  expect(metadata['response_modes_supported']).toEqual(expect.arrayContaining(['query', 'fragment', 'form_post']))
  expect(metadata['token_endpoint_auth_methods_supported']).toEqual(
    expect.arrayContaining(['client_secret_basic', 'client_secret_post', 'private_key_jwt'])
  )
  expect(metadata['request_uri_parameter_supported']).toBe(true)
  expect(metadata['request_object_signing_alg_values_supported']).toContain('RS256')
  expect(metadata['subject_types_supported']).toContain('pairwise')
  expect(metadata).toHaveProperty('registration_endpoint')
})

test('the key set is one that anybody may read and cache', async () => {
  const jwks = await suite.jwks()
  expect(jwks.keys.map(({ alg }) => alg)).toEqual(expect.arrayContaining(['RS256', 'ES256']))
  const { headers } = await fetch(suite.url('jwks_uri'), { headers: { origin: 'https://app.example.com' } })
  expect([headers.get('access-control-allow-origin'), headers.get('cache-control')]).toEqual(['*', 'public, max-age=900'])
})
