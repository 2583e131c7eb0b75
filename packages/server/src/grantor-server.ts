import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStore, type PostgresStore, type SqliteStore } from '@grantor/sql'
import {
  AuthorizationServer,
  ConfigurationError,
  type Event,
  type HttpRequest,
  type HttpResponse,
  type NodeRequest,
  nodeListener,
  type OutboundOptions,
  type Responder,
  type Store
} from 'grantor'
import type { Logger } from 'pino'
import { ClientAddresses } from './client-addresses.ts'
import type { Config } from './config.ts'
import { makeFolderOf } from './database-folder.ts'
import { detailTypesOf } from './detail-types.ts'
import { Forms } from './forms.ts'
import { HeaderCertificates } from './header-certificates.ts'
import { interactions } from './interactions.ts'
import { Listeners } from './listeners.ts'
import { createLog } from './log.ts'
import { LoginLimiter } from './login-limiter.ts'
import { Maintenance } from './maintenance.ts'
import { PagesResponder } from './pages-responder.ts'
import { presetOf } from './preset.ts'
import { Purge } from './purge.ts'
import { Readiness } from './readiness.ts'
import { logRequest } from './request-log.ts'
import { readSecrets } from './secret-file.ts'
import { Sessions } from './sessions.ts'
import { SignUp } from './sign-up.ts'
import { limitAnswer } from './timeouts.ts'
import { Users } from './users.ts'

/** RFC 6797 §6.1, a year. */
const HSTS = 'max-age=31536000'
const UNCACHED = { 'cache-control': 'no-store' }
/** Milliseconds. */
const PURGE_INTERVAL = 60_000
/** For what is on its way when the server closes; what does not arrive is sent by the next. */
const FAREWELL_TIMEOUT = 3_000

/** The ready-to-run server: an authorization server on SQLite or PostgreSQL, its pages, and HTTP. */
export class GrantorServer {
  readonly authorization: AuthorizationServer
  readonly users: Users
  readonly #sessions: Sessions
  readonly log: Logger
  readonly #config: Config
  readonly #store: SqliteStore | PostgresStore
  readonly #purge: Purge
  readonly #maintenance: Maintenance
  readonly #readiness: Readiness
  readonly #listeners: Listeners
  readonly #responders: Responder[]
  #purging: NodeJS.Timeout | undefined
  #purged: Promise<void> | undefined
  #closing: Promise<void> | undefined

  /** @throws ConfigurationError if the configuration, the database or the secret cannot be used. */
  static async open(config: Config, log: Logger = createLog(config.logLevel)): Promise<GrantorServer> {
    makeFolderOf(config.database)
    const store = await openStore(config.database)
    try {
      return new GrantorServer(config, store, readSecrets(config.secretFile, await isUsed(store)), log)
    } catch (error) {
      await store.close()
      throw error
    }
  }

  private constructor(config: Config, store: SqliteStore | PostgresStore, secret: readonly string[], log: Logger) {
    this.#config = config
    this.log = log
    this.#store = store
    const detailTypes = detailTypesOf(config.richAuthorizationRequests)
    this.authorization = new AuthorizationServer({
      ...presetOf(config, () => this.users),
      ...config.settings,
      store,
      secret,
      outbound: outboundOptions(config.outbound),
      interactions: interactions(() => this.#sessions, config.popups, { resources: config.settings.resources ?? [], detailTypes }),
      onEvent: (event) => this.#logEvent(event)
    })
    this.#purge = new Purge(store, () => this.authorization.now())
    this.#maintenance = new Maintenance(this.authorization, store, log)
    this.#readiness = new Readiness(store, () => this.authorization.now(), log)
    this.users = new Users(this.authorization)
    this.#sessions = new Sessions(this.authorization, this.users)
    const limiter = new LoginLimiter(config.limits)
    const pages = new PagesResponder(this.authorization, {
      users: this.users,
      sessions: this.#sessions,
      limiter,
      popups: config.popups,
      forms: new Forms(this.authorization),
      detailTypes,
      signUp: config.signUp ? new SignUp(this.users, limiter) : undefined
    })
    this.#responders = [this.authorization, pages]
    this.#listeners = new Listeners(config, this.#listener(), log)
  }

  /** Opens the keys and listens. @returns the port @throws ConfigurationError if the secret does not open the keys. */
  async start(): Promise<number> {
    await this.authorization.ready()
    const port = await this.#listeners.open()
    this.#purged = this.#purgeExpired()
    this.#maintenance.start()
    return port
  }

  /** Lets another answer what nothing here does. */
  add(responder: Responder): void {
    this.#responders.push(responder)
  }

  /** Takes up new certificate files now; it does so by itself within a minute. */
  reloadCertificate(): void {
    this.#listeners.reloadCertificate()
  }

  /** Answers what was accepted, then closes the store. Every call waits for the same end. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    clearTimeout(this.#purging)
    await this.#listeners.close()
    await Promise.race([Promise.all([this.#purged, this.#maintenance.stop()]), sleep(FAREWELL_TIMEOUT, undefined, { ref: false })])
    await this.#store.close()
  }

  #listener(): (request: IncomingMessage, response: ServerResponse) => void {
    const { host, protocol } = new URL(this.#config.settings.issuer)
    const { endpointAliases, header } = this.#config.extensions.includes('mutual_tls') ? this.#config.mutualTls : {}
    const hosts = [host, ...(endpointAliases === undefined ? [] : [new URL(endpointAliases).host])]
    const addresses = new ClientAddresses(this.#config.trustedProxies)
    const certificates = header && new HeaderCertificates(header, addresses)
    const options = {
      address: ({ ip }: NodeRequest & { ip?: string }) => ip,
      ...(certificates && { clientCertificate: (request: NodeRequest) => certificates.of(request) })
    }
    const listener = nodeListener({ respond: (request) => this.#respond(request) }, options)
    return (request, response) => {
      // The library finds them there: who asks is worked out once.
      const named = Object.assign(request, { id: this.authorization.crypto.random(9), ip: addresses.of(request) })
      logRequest(this.log, named, response)
      limitAnswer(request, response, this.#config.timeouts)
      if (request.url === '/livez') return void response.writeHead(200, UNCACHED).end()
      if (request.url === '/readyz') return void this.#isReady().then((ready) => response.writeHead(ready ? 200 : 503, UNCACHED).end())
      // RFC 9110 §15.5.20: a request for another host is not ours, whoever sent it here.
      if (!hosts.includes(request.headers.host ?? ''))
        return void response.writeHead(421, { 'content-type': 'text/plain', ...UNCACHED }).end(`this is ${host}\n`)
      if (protocol === 'https:') response.setHeader('strict-transport-security', HSTS)
      listener(request, response)
    }
  }

  async #respond(request: HttpRequest): Promise<HttpResponse | undefined> {
    for (const responder of this.#responders) {
      const response = await responder.respond(request)
      if (response) return response
    }
    return undefined
  }

  /** Whether requests can be answered: not while it shuts down, nor without the store. */
  async #isReady(): Promise<boolean> {
    return this.#closing === undefined && this.#readiness.check()
  }

  /** Now, and again a while after each end, so that no two of one node meet. */
  async #purgeExpired(): Promise<void> {
    try {
      const report = await this.#purge.run(() => this.#closing !== undefined)
      if (report && report.deleted + report.lag > 0) this.log.info(report, 'purged')
    } catch (error) {
      this.log.warn({ error }, 'purge failed; it is tried again')
    }
    const again = () => {
      this.#purged = this.#purgeExpired()
    }
    if (this.#closing === undefined) this.#purging = setTimeout(again, PURGE_INTERVAL).unref()
  }

  #logEvent(event: Event): void {
    const level =
      event.type === 'request.failed' ? 'error' : /refused|failed|replayed|reused|burned|foreign/.test(event.type) ? 'warn' : 'info'
    const { type, time: _time, ...details } = event
    this.log[level]({ event: type, ...details }, type)
  }
}

/** Whether something in the store was made with the secret. */
async function isUsed({ artifacts, clients }: Store): Promise<boolean> {
  const found = await Promise.all([artifacts.list('signing_keys', { limit: 1 }, 0), clients.list({ limit: 1 })])
  return found.some((records) => records.length > 0)
}

/** @throws ConfigurationError if the file of certificates cannot be read. */
function outboundOptions({ caFile, ...options }: Config['outbound']): OutboundOptions {
  if (caFile === undefined) return options
  try {
    return { ...options, ca: [readFileSync(caFile, 'utf8')] }
  } catch (cause) {
    throw new ConfigurationError(`outbound: cannot read ${caFile}: ${(cause as Error).message}`, { cause })
  }
}
