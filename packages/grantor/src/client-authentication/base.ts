import type { ServerContext } from '../context.ts'
import type { Awaitable } from '../crypto/port.ts'
import type { Client } from '../models/client.ts'
import type { OAuthRequest } from '../requests.ts'

/** What a request says about its sender; the proof is still to be judged. */
export interface PresentedClient {
  clientId: string
  credential?: string
}

/** Whom a request names that has no credential in it: a public client, or one that proves itself below HTTP (RFC 8705 §2). */
export function namedClient({ params, headers }: OAuthRequest): PresentedClient | undefined {
  if (headers.get('authorization') !== null || params.has('client_secret') || params.has('client_assertion')) return undefined
  const clientId = params.get('client_id')
  return clientId === undefined ? undefined : { clientId }
}

/** A way in which a client proves who it is (RFC 6749 §2.3; the "OAuth Token Endpoint Authentication Methods" registry). */
export abstract class ClientAuthenticationBase {
  /** The value of `token_endpoint_auth_method`. */
  abstract readonly method: string
  /** JWS algorithms accepted, for methods that sign. */
  readonly algorithms: readonly string[] = []
  protected readonly server: ServerContext

  constructor(server: ServerContext) {
    this.server = server
  }

  /** Undefined: the request does not use this method. @throws InvalidClientError if it does, and wrongly. */
  abstract read(request: OAuthRequest): PresentedClient | undefined
  abstract verify(client: Client, credential: string | undefined, request: OAuthRequest): Awaitable<boolean>
}
