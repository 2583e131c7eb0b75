import { Command } from 'commander'
import { ConfigurationError, InitialAccessTokens } from 'grantor'
import { loadConfig } from './config.ts'
import { offline } from './offline.ts'

/** `grantor registration-token`: what the operator gives to somebody who may register clients. */
export function registrationTokenCommand(): Command {
  return new Command('registration-token')
    .description('make a token with which clients may register; prints it this once')
    .requiredOption('--config <file>', 'the configuration of the server')
    .option('--uses <count>', 'how many clients', '1')
    .option('--expires <seconds>', 'how long it may be used', '86400')
    .option('--revoke <id>', 'end the token with this id instead')
    .action(async ({ config, uses, expires, revoke }: { config: string; uses: string; expires: string; revoke?: string }) => {
      if (!loadConfig(config).registration) throw new ConfigurationError('there is no registration in this configuration')
      await offline(config, async ({ authorization }) => {
        const tokens = new InitialAccessTokens(authorization)
        if (revoke !== undefined) {
          if (!(await tokens.revoke(revoke))) throw new ConfigurationError(`there is no token ${revoke}`)
          return
        }
        const { token } = await tokens.create({ uses: Number(uses), lifetime: Number(expires) })
        process.stdout.write(`${token}\n`)
      })
    })
}
