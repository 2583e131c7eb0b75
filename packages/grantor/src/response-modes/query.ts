import { type HttpResponse, seeOther } from '../http.ts'
import type { Params } from '../params.ts'
import { ResponseModeBase } from './base.ts'

/** Parameters in the query, appended to what the redirect URI has there (RFC 6749 §4.1.2). */
export class QueryResponseMode extends ResponseModeBase {
  readonly responseMode: string = 'query'
  override readonly mayCarryTokens: boolean = false

  respond(redirectUri: string, params: Params): HttpResponse {
    return seeOther(`${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${params}`)
  }
}
