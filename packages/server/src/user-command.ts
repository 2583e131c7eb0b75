import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { ConfigurationError } from 'grantor'
import { parseClaims } from './claims.ts'
import { offline } from './offline.ts'
import type { User, Users } from './users.ts'

const PAGE = 500
const CONFIG = ['--config <file>', 'the configuration of the server'] as const
const CLAIMS = ['--claims <json>', 'standard and other claims: \'{"name":"Ann","email":"ann@example.com"}\''] as const

interface Options {
  config: string
  claims?: string
}

/** `grantor user …`: people who may sign in. */
export function userCommand(): Command {
  const user = new Command('user').description('people who may sign in; passwords are read from standard input')

  command(user, 'add', 'create a person', ...CLAIMS).action(async (login: string, { config, claims = '{}' }: Options) => {
    await offline(config, async ({ users }) => {
      const created = await users.create({ login, password: readPassword(), claims: parseClaims(JSON.parse(claims)) })
      if (!created) throw new ConfigurationError(`there is a user ${login} already`)
      print(created)
    })
  })

  command(user, 'show', 'print the record of a person').action(async (login: string, { config }: Options) => {
    await offline(config, async ({ users }) => print(await find(users, login)))
  })

  user
    .command('list')
    .description('print all people, one line of JSON each')
    .requiredOption(...CONFIG)
    .action(async ({ config }: Options) => {
      await offline(config, async ({ users }) => {
        for (let page = await users.list({ limit: PAGE }); page.length > 0; page = await users.list({ limit: PAGE, after: last(page) }))
          for (const one of page) process.stdout.write(`${JSON.stringify(shown(one))}\n`)
      })
    })

  command(user, 'update', 'replace some claims of a person; null removes one', ...CLAIMS).action(
    async (login: string, { config, claims = '{}' }: Options) => {
      await offline(config, async ({ users }) => {
        const { subject } = await find(users, login)
        const updated = await users.updateClaims(subject, JSON.parse(claims))
        if (updated) print(updated)
      })
    }
  )

  for (const [name, description, act] of ACTIONS) {
    command(user, name, description).action(async (login: string, { config }: Options) => {
      await offline(config, async ({ users }) => {
        const { subject } = await find(users, login)
        await act(users, subject)
      })
    })
  }
  return user
}

const ACTIONS: readonly [string, string, (users: Users, subject: string) => Promise<boolean>][] = [
  [
    'password',
    'give a person another password; ends all sessions and revokes all grants',
    (users, subject) => users.setPassword(subject, readPassword())
  ],
  ['disable', 'let a person sign in no more; ends all sessions and revokes all grants', (users, subject) => users.disable(subject)],
  ['enable', 'let a disabled person sign in again', (users, subject) => users.enable(subject)],
  ['delete', 'delete a person, with all sessions and grants', (users, subject) => users.delete(subject)]
]

function command(parent: Command, name: string, description: string, ...option: [] | readonly [string, string]): Command {
  const made = parent
    .command(name)
    .description(description)
    .requiredOption(...CONFIG)
  const [flags, meaning] = option
  return (flags === undefined ? made : made.option(flags, meaning)).argument('<login>')
}

async function find(users: Users, login: string): Promise<User> {
  const user = await users.findByLogin(login)
  if (!user) throw new ConfigurationError(`there is no user ${login}`)
  return user
}

function print(user: User): void {
  process.stdout.write(`${JSON.stringify(shown(user), undefined, 2)}\n`)
}

function shown({ subject, login, disabled, claims }: User) {
  return { subject, login, disabled, claims }
}

function last(users: readonly User[]): string {
  return users.at(-1)?.subject ?? ''
}

function readPassword(): string {
  return readFileSync(0, 'utf8').replace(/\r?\n$/, '')
}
