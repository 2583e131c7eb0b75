import type { ServerContext } from '../../context.ts'
import type { Client } from '../../models/client.ts'
import type { Grant } from '../../models/grant.ts'
import { encryptTo } from '../../tokens/encrypt-to.ts'
import { ID_TOKEN_TYPE } from '../../tokens/own-id-tokens.ts'
import { responseSigner } from '../../tokens/response-algorithms.ts'
import { signJwt } from '../../tokens/sign-jwt.ts'
import { detailsIn } from './details.ts'
import { halfHash } from './hashes.ts'
import type { PersonClaimsSource } from './person-claims.ts'
import type { Subjects } from './subjects.ts'

/** What an ID token says besides who signed in. */
export interface IdTokenContent {
  nonce?: string | undefined
  accessToken?: string | undefined
  code?: string | undefined
  /** What was granted, as far as it counts now. */
  scope: readonly string[]
  /** Claims of the scope too: nothing else will be issued that userinfo could be asked with (OpenID Connect Core §5.4). */
  scopeClaims?: boolean
}

/** Issues ID tokens (OpenID Connect Core §2). */
export class IdTokens {
  readonly #server: ServerContext
  readonly #subjects: Subjects
  readonly #claims: PersonClaimsSource
  readonly #lifetime: number

  constructor(server: ServerContext, parts: { subjects: Subjects; claims: PersonClaimsSource; lifetime: number }) {
    this.#server = server
    this.#subjects = parts.subjects
    this.#claims = parts.claims
    this.#lifetime = parts.lifetime
  }

  /** Undefined: there is no such person any more. */
  async issue(
    client: Client,
    grant: Grant,
    { nonce, accessToken, code, scope, scopeClaims = client.scope_claims_in_id_token ?? false }: IdTokenContent
  ): Promise<string | undefined> {
    const { claims, locales } = detailsIn(grant.details) ?? {}
    // §5.4: claims of scopes are userinfo's, unless there is no access token; §5.5: what was asked for here is here.
    const purpose = { client, scope: scopeClaims ? scope : [], target: 'id_token', ...(locales && { locales }) } as const
    const person = await this.#claims.select(grant.subject, purpose, claims?.id_token)
    if (!person) return undefined
    const signer = await responseSigner(this.#server, client.id_token_signed_response_alg)
    const now = this.#server.now()
    const { acr, amr, authTime, sessionId } = grant
    // What is undefined is left out.
    const payload = {
      ...person,
      iss: this.#server.settings.issuer,
      sub: await this.#subjects.of(client, grant.subject),
      aud: client.client_id,
      exp: now + this.#lifetime,
      iat: now,
      auth_time: authTime,
      nonce,
      acr,
      amr,
      sid: sessionId,
      at_hash: accessToken === undefined ? undefined : await halfHash(this.#server.crypto, accessToken, signer.alg),
      c_hash: code === undefined ? undefined : await halfHash(this.#server.crypto, code, signer.alg)
    }
    const token = await signJwt(signer, ID_TOKEN_TYPE, payload)
    const alg = client.id_token_encrypted_response_alg
    return alg === undefined
      ? token
      : encryptTo(this.#server, client, token, { alg, enc: client.id_token_encrypted_response_enc, cty: ID_TOKEN_TYPE })
  }
}
