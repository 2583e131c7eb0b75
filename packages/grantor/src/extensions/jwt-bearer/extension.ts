import type { Extension } from '../../extension.ts'
import { JwtBearerGrantType } from './grant-type.ts'
import { checkOptions, type JwtBearerOptions } from './options.ts'

/**
 * A client gets a token for a JWT in which another server, that is trusted here, says who somebody is (RFC 7523 §2.1).
 * @throws ConfigurationError if an issuer cannot be trusted as it is described
 */
export function jwtBearer(options: JwtBearerOptions): Extension {
  checkOptions(options)
  return (server) => ({ grantTypes: [new JwtBearerGrantType(server, options)] })
}
