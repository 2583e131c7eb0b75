import { InvalidClientMetadataError } from '../../errors.ts'
import type { Extension } from '../../extension.ts'
import { isPublic } from '../../models/client.ts'
import { TOKEN_EXCHANGE, TokenExchangeGrantType } from './grant-type.ts'
import { checkAudiences, checkOptions, type TokenExchangeOptions } from './options.ts'

/**
 * A client gets, for a token that it was shown, another one: for the next API, with less scope, with itself as the actor (RFC 8693).
 * @throws ConfigurationError if a rule cannot work
 */
export function tokenExchange(options: TokenExchangeOptions = {}): Extension {
  checkOptions(options)
  return (server) => {
    checkAudiences(options, server.settings)
    return {
      grantTypes: [new TokenExchangeGrantType(server, options)],
      async validateClient(client) {
        if (isPublic(client) && client.grant_types.includes(TOKEN_EXCHANGE))
          throw new InvalidClientMetadataError('token exchange is for clients that authenticate')
      }
    }
  }
}
