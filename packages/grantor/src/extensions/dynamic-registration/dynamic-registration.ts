import { text } from '../../clients/rules.ts'
import type { Extension } from '../../extension.ts'
import { InitialAccessTokens } from './initial-access-tokens.ts'
import { checkOptions, type DynamicRegistrationOptions } from './options.ts'
import { Quota } from './quota.ts'
import { RegistrationEndpoint } from './registration-endpoint.ts'
import { Registrations } from './registrations.ts'
import { RequestedMetadata } from './requested-metadata.ts'
import { SoftwareStatements } from './software-statements.ts'

const DAY = 86_400

/**
 * Clients register themselves (RFC 7591, OpenID Connect Dynamic Client Registration 1.0) and manage what they registered (RFC 7592).
 * Call `server.maintain()` now and then, so that clients that nobody uses are deleted.
 * @throws ConfigurationError if the options cannot work
 */
export function dynamicRegistration(options: DynamicRegistrationOptions = {}): Extension {
  checkOptions(options)
  const { softwareStatements = [], requireSoftwareStatement = false, unusedLifetime = 90 * DAY, quota = {} } = options
  return (server) => {
    const statements = new SoftwareStatements(server, softwareStatements, requireSoftwareStatement)
    const registrations = new Registrations(server, unusedLifetime)
    const endpoint = new RegistrationEndpoint(server, options, {
      registrations,
      initialAccessTokens: new InitialAccessTokens(server),
      requested: new RequestedMetadata(server, options, statements),
      quota: quota ? new Quota(() => server.now(), quota) : undefined
    })
    return {
      endpoints: [endpoint],
      // RFC 7591 §3.2.1: a software statement that was used is part of what is registered.
      clientMetadata: { software_statement: text },
      async validateTokenRequest({ client }) {
        await registrations.markUsed(client)
        return undefined
      },
      maintain: () => registrations.deleteUnused()
    }
  }
}
