#!/usr/bin/env node
import cluster from 'node:cluster'
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { ConfigurationError, OAuthError } from 'grantor'
import { runWorkers } from './cluster.ts'
import { type Config, loadConfig, parseConfig } from './config.ts'
import { databaseCommands } from './database-commands.ts'
import { createDemo, welcome } from './demo.ts'
import { DemoApp } from './demo-app.ts'
import { DemoDevice } from './demo-device.ts'
import { GrantorServer } from './grantor-server.ts'
import { keysCommand } from './keys-command.ts'
import { offline } from './offline.ts'
import { registrationTokenCommand } from './registration-token-command.ts'
import { userCommand } from './user-command.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
const program = new Command('grantor')
  .description('OAuth 2.x authorization server')
  .version(version)
  // What follows a command is the command's: `--kid -V…` names a key, and does not ask for the version.
  .enablePositionalOptions()

program
  .command('dev')
  .description('run on this computer with a demo client and a demo user; data in ./data, the key to it in ./secrets')
  .option('--port <port>', 'where to listen', '9400')
  .option('--data <folder>', 'where to keep the data', './data')
  .option('--secrets <folder>', 'where to keep the secret that protects them', './secrets')
  .action(async ({ port, data, secrets }: { port: string; data: string; secrets: string }) => {
    const config = parseConfig({
      issuer: `http://localhost:${port}`,
      host: 'localhost',
      port: Number(port),
      database: `${data}/grantor.db`,
      secretFile: `${secrets}/grantor`,
      extensions: ['device_authorization'],
      deviceAuthorization: { interval: 2 }
    })
    const server = await run(config)
    server.add(new DemoApp(config.settings.issuer))
    server.add(new DemoDevice(config.settings.issuer))
    process.stdout.write(welcome(config.settings.issuer, await createDemo(server)))
  })

program
  .command('serve')
  .description('run with a configuration file')
  .requiredOption('--config <file>', 'JSON; see docs/configuration.md')
  .option('--workers <count>', 'processes that share the port', '1')
  .action(async ({ config: file, workers }: { config: string; workers: string }) => {
    const config = loadConfig(file)
    const count = Number(workers)
    if (!Number.isInteger(count) || count < 1) throw new ConfigurationError('--workers takes a whole number from 1')
    const report = (message: string) => process.stderr.write(`grantor: ${message}\n`)
    if (count > 1 && cluster.isPrimary) runWorkers(count, report, config.tls ? ['SIGHUP'] : [])
    else await run(config)
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

for (const command of databaseCommands()) program.addCommand(command)
program.addCommand(userCommand())
program.addCommand(keysCommand())
program.addCommand(registrationTokenCommand())

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
  // A terminal sends it to every process of the group; the first of them tells the workers.
  process.on('SIGINT', cluster.isWorker ? () => {} : stop)
  // Without certificates there is nothing to take up, and the signal means what it always does: the terminal is gone.
  if (config.tls) process.on('SIGHUP', () => server.reloadCertificate())
  await server.start()
  if (config.profile === 'openid-certification')
    server.log.warn({ profile: config.profile }, 'this profile is for tests of conformance, not for people')
  server.log.info({ issuer: config.settings.issuer, host: config.host, port: config.port }, 'listening')
  return server
}

// Whoever reads our output may stop, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(1)
})

program.parseAsync().catch((error: unknown) => {
  const known =
    error instanceof ConfigurationError || error instanceof OAuthError || error instanceof SyntaxError || error instanceof TypeError
  process.stderr.write(known ? `grantor: ${error.message}\n` : `grantor: ${error instanceof Error ? error.stack : error}\n`)
  process.exit(1)
})
