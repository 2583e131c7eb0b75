import { type CryptoKey, decodeJwt, decodeProtectedHeader, type JWTHeaderParameters, type JWTPayload, jwtVerify } from 'jose'
import { spendAssertion } from '../assertions/spend.ts'
import { namesOf } from '../crypto/algorithms.ts'
import { InvalidClientError } from '../errors.ts'
import type { Client } from '../models/client.ts'
import type { OAuthRequest } from '../requests.ts'
import { ClientAuthenticationBase, type PresentedClient } from './base.ts'

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const MAX_LENGTH = 16_384

/** A key that an assertion may have been signed with. */
export type VerificationKey = () => Promise<CryptoKey | Uint8Array>

/** A client authenticates with a JWT that it signed (RFC 7523 §2.2, §3; draft-ietf-oauth-rfc7523bis). */
export abstract class AssertionAuthentication extends ClientAuthenticationBase {
  /** The keys that this client's signature may be made with. */
  protected abstract keys(client: Client, header: JWTHeaderParameters): Promise<readonly VerificationKey[]>

  read({ params }: OAuthRequest): PresentedClient | undefined {
    const credential = params.get('client_assertion')
    if (credential === undefined) return undefined
    if (params.get('client_assertion_type') !== ASSERTION_TYPE)
      throw new InvalidClientError(`client_assertion_type must be ${ASSERTION_TYPE}`)
    if (credential.length > MAX_LENGTH) throw new InvalidClientError('the assertion is too long')
    const { alg, sub } = peek(credential)
    if (!this.algorithms.includes(alg)) return undefined
    const clientId = params.get('client_id') ?? sub
    // RFC 7523 §3: "For client authentication, the subject MUST be the "client_id" of the OAuth client."
    if (clientId !== sub) throw new InvalidClientError('the assertion is for another client')
    return { clientId, credential }
  }

  async verify(client: Client, credential: string | undefined = '', request: OAuthRequest): Promise<boolean> {
    const { token_endpoint_auth_signing_alg: registered } = client
    const algorithms = [...(registered === undefined ? this.algorithms : namesOf(registered))]
    for (const key of await this.keys(client, decodeProtectedHeader(credential) as JWTHeaderParameters)) {
      const payload = await this.#verified(credential, key, algorithms, client, request)
      if (payload) return this.#isAcceptable(payload, client, request.id)
    }
    return false
  }

  async #verified(
    assertion: string,
    key: VerificationKey,
    algorithms: string[],
    client: Client,
    request: OAuthRequest
  ): Promise<JWTPayload | undefined> {
    try {
      const { payload } = await jwtVerify(assertion, key, {
        algorithms,
        // RFC 7523 §3 requires iss, sub, aud and exp; OpenID Connect Core §9 requires jti.
        requiredClaims: ['iss', 'sub', 'aud', 'exp', 'jti'],
        issuer: client.client_id,
        subject: client.client_id,
        audience: [...this.#audiences(client, request)],
        clockTolerance: this.server.settings.clockSkew,
        currentDate: new Date(this.server.now() * 1000)
      })
      return payload
    } catch {
      return undefined
    }
  }

  async #isAcceptable({ aud, jti, exp = 0, iat }: JWTPayload, client: Client, requestId: string): Promise<boolean> {
    const { clockSkew, assertionLifetime } = this.server.settings
    const now = this.server.now()
    // draft-ietf-oauth-rfc7523bis §3: the issuer identifier "MUST be the sole value": an array would let another server replay it here.
    if (typeof aud !== 'string' || typeof jti !== 'string' || jti === '') return false
    if (exp > now + assertionLifetime + clockSkew || (iat !== undefined && iat > now + clockSkew)) return false
    const first = await spendAssertion(this.server, { iss: client.client_id, jti, exp })
    if (!first) this.server.emit('assertion.replayed', { clientId: client.client_id }, requestId)
    else if (aud !== this.server.settings.issuer) this.server.emit('assertion.old_audience', { clientId: client.client_id, aud }, requestId)
    return first
  }

  /** RFC 9126 §2: "its issuer identifier, token endpoint URL, or pushed authorization request endpoint URL", or only the first. */
  #audiences(client: Client, { path }: OAuthRequest): readonly string[] {
    const { issuer } = this.server.settings
    if (this.server.policy(client).assertionAudience === 'issuer') return [issuer]
    return [issuer, ...[new URL(this.server.endpoint('token')).pathname, path].flatMap((one) => this.server.urlsOf(one))]
  }
}

/** The algorithm and subject that an unverified assertion claims. @throws InvalidClientError if it is not a JWS in compact form. */
function peek(assertion: string): { alg: string; sub: string } {
  try {
    const { alg } = decodeProtectedHeader(assertion)
    const { sub } = decodeJwt(assertion)
    if (typeof alg === 'string' && typeof sub === 'string') return { alg, sub }
  } catch (cause) {
    throw new InvalidClientError('the assertion is not a signed JWT', { cause })
  }
  throw new InvalidClientError('the assertion has no alg or no sub')
}
