import type { ServerContext } from '../../context.ts'
import { Counts, clientAtAddress } from '../../counts.ts'
import type { Kind, Mark } from '../../models/artifacts.ts'
import type { OAuthRequest } from '../../requests.ts'
import { isFirstUse } from '../../stores/first-use.ts'
import { Nonces } from './nonces.ts'
import type { DpopOptions } from './options.ts'
import { ProofChecker } from './proof-checker.ts'

const PROOF_JTI: Kind<Mark> = 'dpop_jti'
/** Seconds. */
const WINDOW = 60

/** The proofs that come to this server's own endpoints. */
export class ServerProofs {
  readonly #server: ServerContext
  readonly #checker: ProofChecker
  readonly #taken: Counts

  constructor(server: ServerContext, options: Required<DpopOptions>) {
    this.#server = server
    this.#taken = new Counts(options.proofLimit, WINDOW)
    const { secrets, settings, crypto } = server
    const now = () => server.now()
    this.#checker = new ProofChecker({
      ...options,
      ...{ crypto, now, clockSkew: settings.clockSkew },
      nonces: options.nonces ? new Nonces({ secrets, name: settings.issuer, now, lifetime: options.nonceLifetime }) : undefined,
      remember: (proof) => this.#remember(proof)
    })
  }

  /**
   * The thumbprint of the key whose holder sent a request; undefined: the request has no proof.
   * @throws InvalidDpopProofError, UseDpopNonceError; TemporarilyUnavailableError (429) if the client sends too many
   */
  async take(request: OAuthRequest, clientId: string, token?: { value: string; jkt: string }): Promise<string | undefined> {
    const proof = request.headers.get('dpop')
    if (proof === null) return undefined
    this.#taken.take(clientAtAddress(clientId, request.remote?.address ?? ''), this.#server.now(), 'too many proofs')
    const { method, path } = request
    // By what it says of itself, not by `Host`: behind a proxy a client knows no other name of this server.
    const urls = this.#server.urlsOf(path)
    const { jkt, nextNonce } = await this.#checker.check(proof, { method, urls, ...(token && { token }) })
    // RFC 9449 §8.2: a 200 tells of the next nonce as a refusal does, so that the last one is not refused first.
    if (nextNonce !== undefined) request.answerHeaders = { ...request.answerHeaders, 'dpop-nonce': nextNonce }
    return jkt
  }

  async #remember({ jkt, jti, expiresAt }: { jkt: string; jti: string; expiresAt: number }): Promise<boolean> {
    const isFirst = await isFirstUse(this.#server, { kind: PROOF_JTI, name: [jkt, jti], expiresAt })
    if (!isFirst) this.#server.emit('dpop_proof.replayed', { jkt })
    return isFirst
  }
}
