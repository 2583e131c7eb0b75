import { checkTrustedIssuers, type TrustedIssuer } from '../../assertions/trusted-issuer.ts'
import { flag, listOf, refuseUnknown, scope, text } from '../../setting-rules.ts'

/** An issuer whose JWTs are good for tokens here, and for whom. */
export interface AssertionIssuer extends TrustedIssuer {
  /** The clients that may come with its JWTs, by `client_id`. */
  clients: readonly string[]
  /** What such a token may carry, space-separated. Default: all that the client is registered for. */
  scope?: string
  /** Whether a refresh token comes with it, for a client that may use one. Default false: the issuer has the say at each new token. */
  refreshToken?: boolean
}

export interface JwtBearerOptions {
  issuers: readonly AssertionIssuer[]
}

/** @throws ConfigurationError if an option is unknown or cannot work. */
export function checkOptions(options: JwtBearerOptions): void {
  refuseUnknown(Object.keys(options), ['issuers'], 'jwtBearer')
  const rules = { clients: listOf(text), scope, refreshToken: flag }
  checkTrustedIssuers(options.issuers, 'jwtBearer', { rules, required: ['clients'] })
}
