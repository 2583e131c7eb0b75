import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import * as oidc from 'openid-client'
import type { AuthorizationServerOptions, NewClient } from '../src/index.ts'
import { type Fapi2Options, fapi2 } from '../src/presets/index.ts'
import { codeParams, makeProof, newKey, type ProofKey, type ProofParts, TOKEN } from './dpop-support.ts'
import { ALICE } from './openid-support.ts'
import { AUTHORIZATION, ISSUER, REDIRECT_URI, TestServer } from './support.ts'

export const PAR = `${ISSUER}/par`
export const OPENID: Fapi2Options = { openid: { claims: async () => ALICE } }
type Texts = Record<string, string | undefined>

/** A key that a client signs its assertions and request objects with. */
export interface SigningKey {
  alg: string
  jwk: JsonWebKey
  privateKey: CryptoKey
}

const keys = new Map<string, Promise<SigningKey>>()

/** Of each algorithm one key for all tests: that of RSA takes long. */
export function signingKey(alg = 'ES256', name = 'k'): Promise<SigningKey> {
  const made = keys.get(`${alg} ${name}`) ?? makeKey(alg, name)
  keys.set(`${alg} ${name}`, made)
  return made
}

async function makeKey(alg: string, kid: string): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } as JsonWebKey }
}

/** A JWT as it should be, but for what is given; what is undefined is left out. */
export function sign(claims: object, { alg, privateKey, jwk }: SigningKey, header: object = {}): Promise<string> {
  const protectedHeader = JSON.parse(JSON.stringify({ alg, kid: (jwk as { kid?: string }).kid, ...header }))
  return new SignJWT(JSON.parse(JSON.stringify(claims))).setProtectedHeader(protectedHeader).sign(privateKey)
}

/** What a client is, that the profile takes. */
export async function fapiClient(metadata: NewClient = {}, key?: SigningKey): Promise<NewClient> {
  const { jwk } = key ?? (await signingKey())
  return { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] }, scope: 'openid read', ...metadata }
}

/** A server with the profile and one client, whose every message can be bent. */
export class FapiFlow {
  readonly test: TestServer
  readonly key: SigningKey
  readonly proofKey: ProofKey
  clientId = 'app'
  #count = 0

  private constructor(test: TestServer, key: SigningKey, proofKey: ProofKey) {
    this.test = test
    this.key = key
    this.proofKey = proofKey
  }

  static async open(
    options: Fapi2Options = {},
    server: Partial<AuthorizationServerOptions> = {},
    metadata: NewClient = {}
  ): Promise<FapiFlow> {
    const key = await signingKey()
    const test = new TestServer({ ...fapi2(options), ...server })
    await test.client(await fapiClient(metadata, key))
    return new FapiFlow(test, key, await newKey())
  }

  /** The parameters that authenticate the client. */
  async assertion(claims: object = {}, header: object = {}, key = this.key): Promise<Record<string, string>> {
    const { now } = this.test
    const said = { iss: this.clientId, sub: this.clientId, aud: ISSUER, jti: `a${this.#count++}`, iat: now, exp: now + 60, ...claims }
    return {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await sign(said, key, header)
    }
  }

  proof(url = TOKEN, parts: ProofParts = {}, key = this.proofKey): Promise<string> {
    return makeProof(key, this.test.now, { ...parts, claims: { htu: url, ...parts.claims } })
  }

  async push(params: Texts = {}, authentication?: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
    const request = { ...AUTHORIZATION, client_id: this.clientId, ...params, ...(authentication ?? (await this.assertion())) }
    return this.test.post('/par', JSON.parse(JSON.stringify(request)), headers)
  }

  async requestUri(params: Texts = {}, headers: Record<string, string> = {}): Promise<string> {
    return (await (await this.push(params, undefined, headers)).json()).request_uri
  }

  open(request_uri: string, more: Record<string, string> = {}): Promise<Response> {
    return this.test.fetch(`/authorize?${new URLSearchParams({ client_id: this.clientId, request_uri, ...more })}`)
  }

  async code(params: Texts = {}, headers: Record<string, string> = {}): Promise<string> {
    return answered(await this.open(await this.requestUri(params, headers)))['code'] ?? ''
  }

  async token(params: Record<string, string>, proof?: string, authentication?: Record<string, string>): Promise<Response> {
    const dpop = proof ?? (await this.proof())
    return this.test.post('/token', { ...params, ...(authentication ?? (await this.assertion())) }, dpop === '' ? {} : { dpop })
  }

  redeem(code: string, params: Record<string, string> = {}, proof?: string): Promise<Response> {
    return this.token({ ...codeParams(code), ...params }, proof)
  }

  async tokens(params: Texts = {}): Promise<{ access_token: string; refresh_token: string; [member: string]: unknown }> {
    return (await this.redeem(await this.code(params))).json()
  }
}

/** What came back to the client. */
export function answered(response: Response): Record<string, string> {
  return Object.fromEntries(new URL(response.headers.get('location') ?? 'about:blank').searchParams)
}

/** What openid-client asks for at the authorization endpoint, and what it then expects of the answer. */
export async function askedByOpenidClient(isOpenId: boolean) {
  const [pkceCodeVerifier, expectedState, expectedNonce] = [oidc.randomPKCECodeVerifier(), oidc.randomState(), oidc.randomNonce()]
  const asked = {
    ...{ redirect_uri: REDIRECT_URI, state: expectedState, scope: isOpenId ? 'openid read' : 'read' },
    ...(isOpenId && { nonce: expectedNonce }),
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256'
  }
  const checks = { pkceCodeVerifier, expectedState, ...(isOpenId && { expectedNonce, idTokenExpected: true }) }
  return { asked, checks }
}
