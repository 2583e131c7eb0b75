import { type HttpResponse, seeOther } from '../http.ts'
import type { Params } from '../params.ts'
import { ResponseModeBase } from './base.ts'

/** Parameters in the fragment, which never leaves the browser (RFC 6749 §4.2.2). */
export class FragmentResponseMode extends ResponseModeBase {
  readonly responseMode: string = 'fragment'

  respond(redirectUri: string, params: Params): HttpResponse {
    return seeOther(`${redirectUri}#${params}`)
  }
}
