import type { AuthorizationRequest } from '../requests.ts'
import { type AuthorizationIssuance, ResponseTypeBase } from './base.ts'

/** Consent now, tokens another time (OAuth 2.0 Multiple Response Type Encoding Practices §4). Combined with nothing. */
export class NoneResponseType extends ResponseTypeBase {
  readonly responseType: string = 'none'

  validateRequest(_request: AuthorizationRequest): void {}

  async createAuthorizationResponse(): Promise<AuthorizationIssuance> {
    return { params: {}, yields: [] }
  }
}
