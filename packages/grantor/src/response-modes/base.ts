import type { HttpResponse } from '../http.ts'
import type { Params } from '../params.ts'

/** How the authorization response reaches the client (OAuth 2.0 Multiple Response Type Encoding Practices §2.1). */
export abstract class ResponseModeBase {
  /** The value of `response_mode`. */
  abstract readonly responseMode: string
  /** Whether a token may travel this way; the query ends up in logs and Referer headers. */
  readonly mayCarryTokens: boolean = true
  abstract respond(redirectUri: string, params: Params): HttpResponse
}
