import { challenge, challenged, type SentToken, tokenInHeader } from '../../bearer.ts'
import { runtimeCrypto } from '../../crypto/runtime.ts'
import { Secrets } from '../../crypto/secrets.ts'
import { InvalidTokenError } from '../../errors.ts'
import type { HttpRequest } from '../../http.ts'
import { answeredAsResource, boundKey, noProof } from './dpop-scheme.ts'
import { Nonces } from './nonces.ts'
import { type DpopOptions, type ProofOptions, resolveOptions } from './options.ts'
import { ProofChecker } from './proof-checker.ts'
import { SeenProofs } from './seen-proofs.ts'

/** How an API takes proofs. */
export interface DpopResourceOptions extends ProofOptions {
  /** Proofs must carry a nonce of this API. `secret`: at least 32 characters, the same on every node; `lifetime`: seconds, default 300. */
  nonces?: { secret: string; lifetime?: number }
  /** False: this id was there before; one atomic step, kept until `expiresAt`. Needed with several processes. Default: in memory. */
  remember?: (id: string, expiresAt: number) => boolean | Promise<boolean>
  /** Seconds that a client's clock may be ahead. Default 30. */
  clockSkew?: number
  /** Milliseconds since the epoch. Default: `Date.now`. */
  clock?: () => number
}

/** For an API: that whoever sends an access token holds the key it is bound to, and that none is taken for less than it is (RFC 9449 §7). */
export class DpopResourceChecker {
  readonly #algorithms: readonly string[]
  readonly #checker: ProofChecker

  /** @throws ConfigurationError if an option is out of its range */
  constructor({ nonces, remember, clockSkew = 30, clock = Date.now, ...options }: DpopResourceOptions = {}) {
    const lifetime = nonces?.lifetime
    const resolved = resolveOptions({ ...options, ...(lifetime !== undefined && { nonceLifetime: lifetime }) } satisfies DpopOptions)
    const crypto = runtimeCrypto()
    const now = () => Math.floor(clock() / 1000)
    const seen = new SeenProofs(now)
    const first = remember ?? ((id: string, expiresAt: number) => seen.add(id, expiresAt))
    this.#algorithms = resolved.algorithms
    this.#checker = new ProofChecker({
      ...resolved,
      ...{ crypto, now, clockSkew },
      nonces: nonces && new Nonces({ secrets: new Secrets(crypto, [nonces.secret]), name: '', now, lifetime: resolved.nonceLifetime }),
      remember: async ({ jkt, jti, expiresAt }) => first(await crypto.sha256(JSON.stringify([jkt, jti])), expiresAt)
    })
  }

  /** The access token of a request, to be verified before `check`. @throws InvalidTokenError (401) with a challenge, if there is none */
  token(request: Pick<HttpRequest, 'headers'>): string {
    return this.#sent(request).token
  }

  /**
   * Judges a request whose access token is genuine.
   * @param request its `url` as clients know it, not as a proxy passes it on
   * @param claims of the token, or what introspection says of it: `cnf` is what counts
   * @returns headers for the answer: the next nonce, if there is one
   * @throws InvalidTokenError, OAuthError with `invalid_dpop_proof` or `use_dpop_nonce` (401): answer with its `status` and `headers`
   */
  async check(request: Pick<HttpRequest, 'method' | 'url' | 'headers'>, claims: { cnf?: unknown }): Promise<Record<string, string>> {
    const sent = this.#sent(request)
    try {
      return await this.#judge(request, sent, claims.cnf)
    } catch (error) {
      throw challenged(error, (fault) => this.#challenge(sent.scheme, fault))
    }
  }

  async #judge({ method, url, headers }: Pick<HttpRequest, 'method' | 'url' | 'headers'>, { scheme, token }: SentToken, cnf: unknown) {
    if (scheme === 'bearer') {
      // RFC 9449 §7.2: "MUST reject a DPoP-bound access token received as a bearer token".
      if (cnf !== undefined && cnf !== null && Object.hasOwn(cnf, 'jkt')) throw new InvalidTokenError('the token is bound to a key')
      return {}
    }
    const jkt = boundKey(cnf)
    const proof = headers.get('dpop')
    if (proof === null) throw noProof()
    const { nextNonce } = await answeredAsResource(this.#checker.check(proof, { method, urls: [url], token: { value: token, jkt } }))
    return nextNonce === undefined ? {} : { 'dpop-nonce': nextNonce }
  }

  #sent(request: Pick<HttpRequest, 'headers'>): SentToken {
    const sent = tokenInHeader(request)
    if (sent?.scheme === 'bearer' || sent?.scheme === 'dpop') return sent
    throw new InvalidTokenError('an access token is required', { headers: { 'www-authenticate': this.#challenge('bearer', {}) } })
  }

  #challenge(scheme: string, fault: Record<string, string>): string {
    const algs = this.#algorithms.join(' ')
    return scheme === 'dpop' ? challenge('DPoP', { ...fault, algs }) : `${challenge('Bearer', fault)}, ${challenge('DPoP', { algs })}`
  }
}
