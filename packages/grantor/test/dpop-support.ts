import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import type { DpopOptions, NewClient } from '../src/index.ts'
import { type AuthorizationServerOptions, dpop } from '../src/index.ts'
import { openIdServer } from './openid-support.ts'
import { basic, ISSUER, REDIRECT_URI, type TestServer, VERIFIER } from './support.ts'

export const TOKEN = `${ISSUER}/token`
export const USERINFO = `${ISSUER}/userinfo`

/** A key that a client proves to hold. */
export interface ProofKey {
  alg: string
  jwk: JWK
  jkt: string
  privateKey: CryptoKey
}

export async function newKey(alg = 'ES256'): Promise<ProofKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  return { alg, jwk, jkt: await calculateJwkThumbprint(jwk), privateKey }
}

/** What a proof says, and its header; what is undefined is left out. */
export interface ProofParts {
  claims?: object
  header?: object
}

let count = 0

/** A proof as it should be, but for what is given. */
export function makeProof({ alg, jwk, privateKey }: ProofKey, now: number, { claims = {}, header = {} }: ProofParts = {}): Promise<string> {
  const said = JSON.parse(JSON.stringify({ jti: `proof-${count++}`, htm: 'POST', htu: TOKEN, iat: now, ...claims }))
  const protectedHeader = JSON.parse(JSON.stringify({ typ: 'dpop+jwt', alg, jwk, ...header }))
  return new SignJWT(said).setProtectedHeader(protectedHeader).sign(privateKey)
}

export async function hashOf(token: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  return Buffer.from(digest).toString('base64url')
}

/** A provider with DPoP, a client that authenticates, and one that cannot. */
export async function dpopServer(
  options: DpopOptions = {},
  { extensions = [], ...server }: Partial<AuthorizationServerOptions> = {},
  metadata: NewClient = {}
) {
  const { test } = await openIdServer({}, { ...server, extensions: [dpop(options), ...extensions] })
  const client = await test.client({ client_id: 'machine', scope: 'openid read', ...metadata })
  const spa = await test.publicClient({ scope: 'openid read' })
  return { test, client, spa, key: await newKey() }
}

export type Tokens = { access_token: string; refresh_token: string; token_type: string; [member: string]: unknown }

/** A token request with a proof, if there is one. */
export function ask(
  test: TestServer,
  { client_id, client_secret }: { client_id: string; client_secret?: string },
  params: Record<string, string>,
  proof?: string
): Promise<Response> {
  const headers = { ...(client_secret !== undefined && basic(client_id, client_secret)), ...(proof !== undefined && { dpop: proof }) }
  return test.post('/token', { ...(client_secret === undefined && { client_id }), ...params }, headers)
}

/** The parameters that redeem a code. */
export function codeParams(code: string): Record<string, string> {
  return { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER }
}

/** Tokens for a person, bound to a key if there is one. */
export async function personTokens(
  test: TestServer,
  client: { client_id: string; client_secret?: string },
  key?: ProofKey,
  params: Record<string, string> = {}
): Promise<Tokens> {
  const code = await test.code({ client_id: client.client_id, scope: 'openid', ...params })
  const response = await ask(test, client, codeParams(code), key && (await makeProof(key, test.now)))
  return response.json() as Promise<Tokens>
}

/** Userinfo by a bound token, with a proof as it should be, but for what is given. */
export async function askUserinfo(test: TestServer, token: string, key: ProofKey, parts: ProofParts = {}): Promise<Response> {
  const claims = { htm: 'GET', htu: USERINFO, ath: await hashOf(token), ...parts.claims }
  const proof = await makeProof(key, test.now, { ...parts, claims })
  return test.fetch('/userinfo', { headers: { authorization: `DPoP ${token}`, dpop: proof } })
}
