import type { ServerContext } from '../../context.ts'
import type { Client } from '../../models/client.ts'
import type { Grant } from '../../models/grant.ts'
import { signJwt } from '../../tokens/sign-jwt.ts'
import { detailsIn } from './details.ts'
import { encryptTo } from './encryption.ts'
import { halfHash } from './hashes.ts'
import { ID_TOKEN_TYPE } from './id-token-hints.ts'
import type { PersonClaimsSource } from './person-claims.ts'
import type { Subjects } from './subjects.ts'

/** Dynamic Client Registration §2 `id_token_signed_response_alg`: "The default, if omitted, is RS256." */
export const DEFAULT_ALGORITHM = 'RS256'

/** What an ID token says besides who signed in. */
export interface IdTokenContent {
  nonce?: string | undefined
  accessToken?: string | undefined
  code?: string | undefined
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

  async issue(client: Client, grant: Grant, { nonce, accessToken, code, scopeClaims = false }: IdTokenContent): Promise<string> {
    const signer = await this.#server.keys.signer(client.id_token_signed_response_alg ?? DEFAULT_ALGORITHM)
    const now = this.#server.now()
    const { acr, amr, authTime, sessionId } = grant
    const payload = {
      ...(await this.#person(client, grant, scopeClaims)),
      iss: this.#server.settings.issuer,
      sub: await this.#subjects.of(client, grant.subject),
      aud: client.client_id,
      exp: now + this.#lifetime,
      iat: now,
      ...(authTime !== undefined && { auth_time: authTime }),
      ...(nonce !== undefined && { nonce }),
      ...(acr !== undefined && { acr }),
      ...(amr && { amr }),
      ...(sessionId !== undefined && { sid: sessionId }),
      ...(accessToken !== undefined && { at_hash: await halfHash(accessToken, signer.alg) }),
      ...(code !== undefined && { c_hash: await halfHash(code, signer.alg) })
    }
    const token = await signJwt(signer, ID_TOKEN_TYPE, payload)
    const alg = client.id_token_encrypted_response_alg
    return alg === undefined
      ? token
      : encryptTo(this.#server, client, token, { alg, enc: client.id_token_encrypted_response_enc, cty: ID_TOKEN_TYPE })
  }

  /** OpenID Connect Core §5.4: claims of scopes are userinfo's, unless there is no access token; §5.5: what was asked for here is here. */
  async #person(client: Client, grant: Grant, scopeClaims: boolean): Promise<Record<string, unknown>> {
    const requests = detailsIn(grant.details)?.claims?.id_token ?? {}
    const scope = scopeClaims || client.scope_claims_in_id_token ? grant.scope : []
    return (await this.#claims.select(grant.subject, { client, scope, target: 'id_token' }, requests)) ?? {}
  }
}
