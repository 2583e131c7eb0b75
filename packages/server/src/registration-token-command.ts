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
    .action(async ({ config, uses, expires }: { config: string; uses: string; expires: string }) => {
      if (!loadConfig(config).registration) throw new ConfigurationError('there is no registration in this configuration')
      await offline(config, async ({ authorization }) => {
        const { token } = await new InitialAccessTokens(authorization).create({ uses: Number(uses), lifetime: Number(expires) })
        process.stdout.write(`${token}\n`)
      })
    })
}
