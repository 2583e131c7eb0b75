import type { ServerContext } from '../context.ts'
import type { Awaitable } from '../crypto/port.ts'
import type { Artifact } from '../models/artifacts.ts'
import type { Grant } from '../models/grant.ts'
import type { AuthorizationRequest } from '../requests.ts'

/** What goes back to the client, and what must be stored for it together with the grant. */
export interface AuthorizationIssuance {
  params: Record<string, string>
  yields: readonly Artifact<unknown>[]
}

/** A response type (RFC 6749 §3.1.1): what a client asks the authorization endpoint for. */
export abstract class ResponseTypeBase {
  /** The value of `response_type`; several words in alphabetical order. */
  abstract readonly responseType: string
  /** The mode of a request that names none. `fragment` also says that the response carries a token, which must not travel in a query. */
  readonly defaultResponseMode: 'query' | 'fragment' = 'query'
  /** The grant types that a client must be allowed to use with it. */
  readonly grantTypes: readonly string[] = []
  protected readonly server: ServerContext

  constructor(server: ServerContext) {
    this.server = server
  }

  /** Everything that can say no. Reads, never writes. @throws OAuthError, which the client receives. */
  abstract validateRequest(request: AuthorizationRequest): Awaitable<void>

  /** What the client receives for this grant. The caller stores the grant and the artifacts in one step. */
  abstract createAuthorizationResponse(request: AuthorizationRequest, grant: Grant): Promise<AuthorizationIssuance>
}
