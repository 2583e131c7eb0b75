import { Command, Option } from 'commander'
import { ConfigurationError, type KeyAdministration, type KeyStatus } from 'grantor'
import type { GrantorServer } from './grantor-server.ts'
import { offline } from './offline.ts'

type Use = KeyStatus['use']

const CONFIG = ['--config <file>', 'the configuration of the server'] as const
const YES = ['--yes', 'really do that'] as const

/** What it costs that the old keys are gone, before anybody could prepare. */
const COST: Readonly<Record<Use, string>> = {
  sig:
    'the old keys are gone at once: every JWT access token and ID token that they signed is refused from now on, ' +
    'and whoever has cached the key set refuses new ones until it is fetched again',
  enc: 'the old keys are gone at once: what clients encrypted to them is refused, until they fetch the key set again'
}

/** `grantor keys …`: the keys of a server, which may run meanwhile and takes up what is changed within seconds. */
export function keysCommand(): Command {
  const keys = new Command('keys').description('the keys that sign tokens, and those that others encrypt to')

  keys
    .command('list')
    .description('print all keys, one line of JSON each')
    .requiredOption(...CONFIG)
    .action(async ({ config }: { config: string }) => {
      await offline(config, async (server) => {
        for (const use of ['sig', 'enc'] as const) await print(server, use)
      })
    })

  keys
    .command('rotate')
    .description('publish the next keys now; they are used after signingKeyLead, and the old ones stay until nothing needs them')
    .requiredOption(...CONFIG)
    .addOption(new Option('--use <use>', 'keys that sign, or keys that others encrypt to').choices(['sig', 'enc']).default('sig'))
    .option('--now', 'for when a key is in the wrong hands: use the new keys at once, and drop the old ones')
    .option(...YES)
    .action(async ({ config, use, now = false, yes }: { config: string; use: Use; now?: boolean; yes?: boolean }) => {
      if (now && !yes) throw new ConfigurationError(`with --now ${COST[use]}; say --yes`)
      await offline(config, async (server) => {
        await keysOf(server, use).rotate({ compromised: now })
        await print(server, use)
      })
    })

  keys
    .command('retire')
    .description('take away a key that is not in use: a next one, or an old one before its time')
    .requiredOption(...CONFIG)
    // No argument: one key in 64 begins with a dash.
    .requiredOption('--kid <kid>', 'which one')
    .option(...YES)
    .action(async ({ config, kid, yes }: { config: string; kid: string; yes?: boolean }) => {
      await offline(config, async (server) => {
        const key = await find(server, kid)
        if (key.state === 'retired' && !yes)
          throw new ConfigurationError(`what the key ${kid} was used for is refused from now on; say --yes`)
        await keysOf(server, key.use).retire(kid)
        await print(server, key.use)
      })
    })

  keys
    .command('rewrap')
    .description('encrypt the private keys anew with the first line of the secret file, so that another line may go')
    .requiredOption(...CONFIG)
    .action(async ({ config }: { config: string }) => {
      await offline(config, async (server) => {
        const rewrapped = (await keysOf(server, 'sig').reseal()) + (await keysOf(server, 'enc').reseal())
        process.stdout.write(`keys encrypted anew: ${rewrapped}\n`)
      })
    })
  return keys
}

function keysOf({ authorization }: GrantorServer, use: Use): KeyAdministration {
  return use === 'sig' ? authorization.keys : authorization.encryptionKeys
}

async function find(server: GrantorServer, kid: string): Promise<KeyStatus> {
  const all = [...(await keysOf(server, 'sig').list()), ...(await keysOf(server, 'enc').list())]
  const key = all.find((one) => one.kid === kid)
  if (!key) throw new ConfigurationError(`there is no key ${kid}`)
  return key
}

async function print(server: GrantorServer, use: Use): Promise<void> {
  for (const { activeFrom, keptUntil, ...key } of await keysOf(server, use).list())
    process.stdout.write(`${JSON.stringify({ ...key, activeFrom: date(activeFrom), keptUntil: date(keptUntil) })}\n`)
}

function date(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : new Date(seconds * 1000).toISOString()
}
