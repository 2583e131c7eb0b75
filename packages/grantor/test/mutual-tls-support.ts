import { X509Certificate } from 'node:crypto'
import { type ClientNames, selfSign } from '../../server/test/certificates.ts'
import { type AuthorizationServerOptions, type ClientCertificate, type MutualTlsOptions, mutualTls, type NewClient } from '../src/index.ts'
import { openIdServer } from './openid-support.ts'
import { REDIRECT_URI, type TestServer, VERIFIER } from './support.ts'

export type Tokens = { access_token: string; refresh_token: string; token_type: string }

/** A certificate as an adapter has it. */
export function fromPem(pem: string, isTrusted = false): ClientCertificate {
  return { der: new X509Certificate(pem).raw, isTrusted }
}

/** A certificate of a client's own; trusted, if TLS is to have found that. */
export async function newCertificate(names: ClientNames = {}, isTrusted = false): Promise<ClientCertificate> {
  return fromPem((await selfSign(names)).certificate, isTrusted)
}

/** RFC 8705 §3.1 */
export async function thumbprintOf({ der }: ClientCertificate): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', new Uint8Array(der))).toString('base64url')
}

/** A JWK with a certificate (RFC 8705 §2.2.2). */
export function jwkOf({ der }: ClientCertificate) {
  const { kty, crv, x, y } = new X509Certificate(der).publicKey.export({ format: 'jwk' }) as {
    kty: string
    crv: string
    x: string
    y: string
  }
  return { kty, crv, x, y, x5c: [Buffer.from(der).toString('base64')] }
}

/** A provider with mutual TLS, a client that authenticates by its certificate, a public one, both with bound tokens. */
export async function mutualTlsServer(
  options: MutualTlsOptions = {},
  { extensions = [], ...server }: Partial<AuthorizationServerOptions> = {},
  metadata: NewClient = {}
) {
  const { test } = await openIdServer({}, { ...server, extensions: [mutualTls(options), ...extensions] })
  const certificate = await newCertificate()
  const client = await test.client({
    client_id: 'machine',
    scope: 'openid read',
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    jwks: { keys: [jwkOf(certificate)] },
    tls_client_certificate_bound_access_tokens: true,
    ...metadata
  })
  const spa = await test.publicClient({ scope: 'openid read', tls_client_certificate_bound_access_tokens: true })
  return { test, client, spa, certificate, thumbprint: await thumbprintOf(certificate) }
}

/** A request over TLS with this certificate, or with none. */
export async function over<T>(test: TestServer, certificate: ClientCertificate | undefined, send: () => Promise<T>): Promise<T> {
  test.certificate = certificate
  try {
    return await send()
  } finally {
    test.certificate = undefined
  }
}

export function ask(
  test: TestServer,
  client_id: string,
  params: Record<string, string>,
  certificate?: ClientCertificate
): Promise<Response> {
  return over(test, certificate, () => test.post('/token', { client_id, ...params }))
}

/** The parameters that redeem a code. */
export function codeParams(code: string): Record<string, string> {
  return { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER }
}

/** Tokens for a person. */
export async function personTokens(test: TestServer, client_id: string, certificate?: ClientCertificate): Promise<Tokens> {
  const response = await ask(test, client_id, codeParams(await test.code({ client_id, scope: 'openid' })), certificate)
  return response.json() as Promise<Tokens>
}

export function askUserinfo(test: TestServer, token: string, certificate?: ClientCertificate): Promise<Response> {
  return over(test, certificate, () => test.fetch('/userinfo', { headers: { authorization: `Bearer ${token}` } }))
}
