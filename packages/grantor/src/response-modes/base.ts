import type { HttpResponse } from '../http.ts'
import type { Client } from '../models/client.ts'
import type { Params } from '../params.ts'

/** Whom a response is for. */
export interface Recipient {
  client: Client
  /** The mode that the response type has by itself. */
  usual: ResponseModeBase
}

/** How the authorization response reaches the client (OAuth 2.0 Multiple Response Type Encoding Practices §2.1). */
export abstract class ResponseModeBase {
  /** The value of `response_mode`. */
  abstract readonly responseMode: string
  /** Whether a token may travel this way; the query ends up in logs and Referer headers. */
  readonly mayCarryTokens: boolean = true
  abstract respond(redirectUri: string, params: Params, to: Recipient): HttpResponse | Promise<HttpResponse>
}
