#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { ConfigurationError, OAuthError } from 'grantor'
import { type Config, loadConfig, parseConfig } from './config.ts'
import { createDemo, welcome } from './demo.ts'
import { GrantorServer } from './grantor-server.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
const program = new Command('grantor').description('OAuth 2.x authorization server').version(version)

program
  .command('dev')
  .description('run on this computer with a demo client and a demo user; data in ./data')
  .option('--port <port>', 'where to listen', '9400')
  .option('--data <folder>', 'where to keep the data', './data')
  .action(async ({ port, data }: { port: string; data: string }) => {
    const config = parseConfig({
      issuer: `http://localhost:${port}`,
      host: 'localhost',
      port: Number(port),
      database: `${data}/grantor.db`,
      secretFile: `${data}/secret`
    })
    const server = await run(config)
    process.stdout.write(welcome(config.settings.issuer, await createDemo(server)))
  })

program
  .command('serve')
  .description('run with a configuration file')
  .requiredOption('--config <file>', 'JSON; see docs/configuration.md')
  .action(async ({ config }: { config: string }) => {
    await run(loadConfig(config))
  })

program
  .command('client')
  .description('register a client; prints it, and its secret this once')
  .requiredOption('--config <file>', 'the configuration of the server')
  .argument('<metadata>', 'RFC 7591 metadata as JSON: \'{"grant_types":["client_credentials"]}\'')
  .action(async (metadata: string, { config }: { config: string }) => {
    await offline(config, async ({ authorization }) => {
      const { secrets: _secrets, ...client } = await authorization.clients.create(JSON.parse(metadata))
      process.stdout.write(`${JSON.stringify(client, undefined, 2)}\n`)
    })
  })

program
  .command('user')
  .description('create a person who may sign in; the password is read from standard input')
  .requiredOption('--config <file>', 'the configuration of the server')
  .argument('<login>')
  .action(async (login: string, { config }: { config: string }) => {
    await offline(config, async ({ users }) => {
      const created = await users.create({ login, password: readFileSync(0, 'utf8').replace(/\r?\n$/, '') })
      if (!created) throw new ConfigurationError(`there is a user ${login} already`)
    })
  })

/** Starts a server that ends with the first signal, after its last answer; a second signal ends it at once. */
async function run(config: Config): Promise<GrantorServer> {
  const server = await GrantorServer.open(config)
  let stopping = false
  const stop = () => {
    if (stopping) process.exit(1)
    stopping = true
    void server.close().then(() => process.exit(0))
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  await server.start()
  server.log.info({ issuer: config.settings.issuer, host: config.host, port: config.port }, 'listening')
  return server
}

/** Works on the data of a server, which may run meanwhile. */
async function offline(file: string, work: (server: GrantorServer) => Promise<void>): Promise<void> {
  const server = await GrantorServer.open({ ...loadConfig(file), logLevel: 'silent' })
  try {
    await work(server)
  } finally {
    await server.close()
  }
}

program.parseAsync().catch((error: unknown) => {
  const known =
    error instanceof ConfigurationError || error instanceof OAuthError || error instanceof SyntaxError || error instanceof TypeError
  process.stderr.write(known ? `grantor: ${error.message}\n` : `grantor: ${error instanceof Error ? error.stack : error}\n`)
  process.exit(1)
})
