import type { ServerContext } from '../../context.ts'
import { ENCRYPTION_ALGS, ENCRYPTION_ENCS } from '../../crypto/algorithms.ts'
import { OwnJwts } from '../../tokens/own-jwts.ts'

/** The JWS type of an ID token. */
export const ID_TOKEN_TYPE = 'JWT'

/** What an ID token said when it was issued. */
export interface IdTokenHint {
  /** As the client knows the person. */
  sub: string
  /** The client. */
  aud: string
  sid?: string
}

/** Recognises ID tokens of this server that come back as hints. */
export class IdTokenHints {
  readonly #server: ServerContext
  readonly #own: OwnJwts

  constructor(server: ServerContext) {
    this.#server = server
    this.#own = new OwnJwts(server)
  }

  /** An ID token that this server issued; it may have expired (OpenID Connect Core §3.1.2.1). Undefined: it is none. */
  async recognise(token: string): Promise<IdTokenHint | undefined> {
    const { iss, sub, aud, sid, exp } = (await this.#own.verify(await this.#decrypted(token), ID_TOKEN_TYPE)) ?? {}
    if (iss !== this.#server.settings.issuer || typeof sub !== 'string' || typeof aud !== 'string') return undefined
    // Every ID token expires; other JWTs for the same client, as signed userinfo, do not.
    if (typeof exp !== 'number') return undefined
    return { sub, aud, ...(typeof sid === 'string' && { sid }) }
  }
  /** Core §3.1.2.1: "The Client MAY re-encrypt the signed ID token to the Authentication Server using a key that enables the server to decrypt". */
  async #decrypted(token: string): Promise<string> {
    if (token.split('.', 6).length !== 5) return token
    return (await this.#server.encryptionKeys.decrypt(token, { alg: ENCRYPTION_ALGS, enc: ENCRYPTION_ENCS })) ?? ''
  }
}
