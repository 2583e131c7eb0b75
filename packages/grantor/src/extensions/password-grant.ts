import type { Extension } from '../extension.ts'
import { type PasswordAuthenticator, PasswordGrantType } from '../grant-types/password.ts'
import { refuseUnknown } from '../setting-rules.ts'

/**
 * The resource owner password credentials grant (RFC 6749 §4.3), for migrations. RFC 9700 §2.4: "MUST NOT be used".
 * @throws ConfigurationError if an option is unknown
 */
export function passwordGrant(options: { authenticate: PasswordAuthenticator }): Extension {
  refuseUnknown(Object.keys(options), ['authenticate'], 'passwordGrant')
  return (server) => ({ grantTypes: [new PasswordGrantType(server, options)] })
}
