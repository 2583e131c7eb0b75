import * as jose from 'jose'
import type { AuthorizationServerOptions, OpenIdOptions } from '../src/index.ts'
import { openid } from '../src/index.ts'
import { AUTHORIZATION, ISSUER, TestServer } from './support.ts'

export const ALICE = {
  name: 'Alice Adams',
  'name#ja': 'アリス',
  given_name: 'Alice',
  email: 'alice@example.com',
  email_verified: true,
  phone_number: '+1 555 0100',
  address: { country: 'NZ' },
  groups: ['staff'],
  updated_at: 1_700_000_000,
  sub: 'somebody else',
  iss: 'https://evil.example',
  nonce: 'forged'
}

export const PAIRWISE_KEY = 'a key for pairwise subjects of 32 characters or more'

/** An OpenID Provider with one person, and a client that may ask for everything. */
export async function openIdServer(
  options: Partial<OpenIdOptions> = {},
  { extensions = [], ...server }: Partial<AuthorizationServerOptions> = {}
): Promise<{ test: TestServer; client: Awaited<ReturnType<TestServer['client']>> }> {
  const claims = async (subject: string) => (subject === 'alice' ? ALICE : undefined)
  const test = new TestServer({ ...server, extensions: [openid({ claims, scopes: { groups: ['groups'] }, ...options }), ...extensions] })
  return { test, client: await test.client({ scope: SCOPE }) }
}

export const SCOPE = 'openid profile email address phone groups offline_access read'
export const AUTHENTICATION = { ...AUTHORIZATION, scope: 'openid', nonce: 'n-0S6_WzA2Mj' }

/** The claims of an ID token, verified with the published keys. */
export async function verifyIdToken(test: TestServer, token: string, audience = 'app'): Promise<jose.JWTVerifyResult> {
  const keys = jose.createLocalJWKSet(await (await test.fetch('/jwks')).json())
  return jose.jwtVerify(token, keys, { issuer: ISSUER, audience, currentDate: new Date(test.now * 1000) })
}

export async function userinfo(test: TestServer, token: string): Promise<Record<string, unknown>> {
  const response = await test.fetch('/userinfo', { headers: { authorization: `Bearer ${token}` } })
  return response.json()
}
