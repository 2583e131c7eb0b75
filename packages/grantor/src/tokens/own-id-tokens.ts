import type { ServerContext } from '../context.ts'
import { ENCRYPTION_ALGS, ENCRYPTION_ENCS } from '../crypto/algorithms.ts'
import { OwnJwts } from './own-jwts.ts'

/** The JWS type of an ID token. */
export const ID_TOKEN_TYPE = 'JWT'

/** What an ID token said when it was issued. */
export interface OwnIdToken {
  /** As the client knows the person. */
  sub: string
  /** The client. */
  aud: string
  sid?: string
  /** Seconds since the epoch. */
  exp: number
  /** All that it says. */
  claims: Readonly<Record<string, unknown>>
}

/** Recognises ID tokens of this server that come back. */
export class OwnIdTokens {
  readonly #server: ServerContext
  readonly #own: OwnJwts

  constructor(server: ServerContext) {
    this.#server = server
    this.#own = new OwnJwts(server)
  }

  /** An ID token that this server issued; it may have expired (OpenID Connect Core §3.1.2.1). Undefined: it is none. */
  async recognise(token: string): Promise<OwnIdToken | undefined> {
    const claims = (await this.#own.verify(await this.#decrypted(token), ID_TOKEN_TYPE)) ?? {}
    const { iss, sub, aud, sid, exp } = claims
    if (iss !== this.#server.settings.issuer || typeof sub !== 'string' || typeof aud !== 'string') return undefined
    // Every ID token expires; other JWTs for the same client, as signed userinfo, do not.
    if (typeof exp !== 'number') return undefined
    return { sub, aud, exp, claims, ...(typeof sid === 'string' && { sid }) }
  }

  /** Core §3.1.2.1: "The Client MAY re-encrypt the signed ID token to the Authentication Server using a key that enables the server to decrypt". */
  async #decrypted(token: string): Promise<string> {
    if (token.split('.', 6).length !== 5) return token
    return (await this.#server.encryptionKeys.decrypt(token, { alg: ENCRYPTION_ALGS, enc: ENCRYPTION_ENCS })) ?? ''
  }
}
