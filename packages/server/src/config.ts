import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { isPostgres } from '@grantor/sql'
import { ConfigurationError, refuseUnknown, resolveSettings, SETTING_NAMES, type SettingsInput } from 'grantor'
import { z } from 'zod'
import { CibaConfig } from './ciba-config.ts'
import { isNetwork } from './client-addresses.ts'
import { DetailTypesConfig } from './detail-types.ts'
import { DpopConfig } from './dpop-config.ts'
import { JwtBearerConfig } from './jwt-bearer-config.ts'
import { checkMutualTls, MutualTlsConfig } from './mutual-tls-config.ts'
import { PROFILE_NAMES, withProfile } from './profiles.ts'
import { RegistrationConfig } from './registration-config.ts'
import { TokenExchangeConfig } from './token-exchange-config.ts'

const Server = z.strictObject({
  /** Sets what the configuration does not; docs/certification.md, docs/fapi.md. */
  profile: z.enum(PROFILE_NAMES).exactOptional(),
  host: z.string().default('127.0.0.1'),
  port: z.int().min(0).max(65_535).default(9400),
  /** Whose word counts on where a request comes from (`X-Forwarded-For`): the addresses and networks of proxies, or how many stand in front. */
  trustedProxies: z
    .union([z.int().min(0), z.array(z.string().refine(isNetwork, 'an address or a network such as 10.0.0.0/8'))])
    .default([]),
  /** A file for SQLite, or the URL of a PostgreSQL database. */
  database: z.string().default('./data/grantor.db'),
  /** The file with the secret that protects what is stored; made at the first start. Not beside the database: a copy of one folder would hold both. */
  secretFile: z.string().default('./secrets/grantor'),
  /** Terminates TLS here; without it the server speaks HTTP to a proxy that does. */
  tls: z.strictObject({ certificateFile: z.string(), keyFile: z.string() }).optional(),
  /** Optional specifications, by name. */
  extensions: z
    .array(
      z.enum([
        'ciba',
        'client_secret_jwt',
        'device_authorization',
        'dpop',
        'implicit',
        'jarm',
        'jwt_bearer',
        'jwt_introspection',
        'mutual_tls',
        'pushed_authorization_requests',
        'request_objects',
        'resource_indicators',
        'rich_authorization_requests',
        'step_up',
        'token_exchange'
      ])
    )
    .default([]),
  /** How people are asked, if `ciba` is named. */
  ciba: CibaConfig.default({}),
  /** How `device_authorization` is served, if it is named. */
  deviceAuthorization: z
    .strictObject({
      /** Seconds. */
      lifetime: z.int().min(1).max(600).exactOptional(),
      /** Seconds. */
      interval: z.int().min(1).max(60).exactOptional(),
      /** Of one client from one address within a minute; 0 = no limit. */
      limit: z.int().min(0).exactOptional()
    })
    .default({}),
  /** How `dpop` is served, if it is named. */
  dpop: DpopConfig.default({}),
  /** How `mutual_tls` is served, if it is named, and where certificates come from. */
  mutualTls: MutualTlsConfig.default({}),
  /** How requests are pushed, if `pushed_authorization_requests` are named. */
  pushedAuthorizationRequests: z
    .strictObject({
      required: z.boolean().exactOptional(),
      /** Seconds. */
      lifetime: z.int().min(1).max(600).exactOptional(),
      /** Of one client from one address within a minute; 0 = no limit. */
      limit: z.int().min(0).exactOptional()
    })
    .default({}),
  /** How `request_objects` are taken, if they are named. */
  requestObjects: z
    .strictObject({
      byReference: z.boolean().exactOptional(),
      encrypted: z.boolean().exactOptional(),
      required: z.boolean().exactOptional(),
      /** Seconds. */
      maxLifetime: z.int().positive().exactOptional()
    })
    .default({}),
  /** How `resource_indicators` are served, if they are named. The resources are the library's setting `resources`. */
  resourceIndicators: z.strictObject({ advertised: z.boolean().exactOptional() }).default({}),
  /** Which types of details `rich_authorization_requests` take, if they are named. */
  richAuthorizationRequests: DetailTypesConfig.prefault({}),
  /** Whose JWTs are good for tokens, if `jwt_bearer` is named. */
  jwtBearer: JwtBearerConfig.prefault({}),
  /** Who may exchange whose tokens, if `token_exchange` is named. */
  tokenExchange: TokenExchangeConfig.prefault({}),
  /** Where URLs of clients may lead although the address is private, and which authorities are trusted besides the system's. */
  outbound: z
    .strictObject({
      allow: z.array(z.string()).default([]),
      /** A file with certificates in PEM. */
      caFile: z.string().exactOptional(),
      /** Milliseconds. */
      timeout: z.int().positive().exactOptional(),
      concurrency: z.int().positive().exactOptional(),
      originConcurrency: z.int().positive().exactOptional()
    })
    .default({ allow: [] }),
  /** OpenID Connect, beyond what is always there. */
  openid: z
    .strictObject({
      /** Scopes of your own, and the claims of people that each lets out. */
      scopes: z.record(z.string(), z.array(z.string())).default({}),
      responseTypes: z.array(z.enum(['id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token'])).default([]),
      /** The file with the key of pairwise subjects; made at the first start. Without it there are none. */
      pairwiseKeyFile: z.string().exactOptional()
    })
    .prefault({}),
  /** Pages of a sign-in or sign-out stay within reach of the application that opened them in a popup. */
  popups: z.boolean().default(true),
  /** People may create accounts for themselves. */
  signUp: z.boolean().default(false),
  limits: z
    .strictObject({
      signInsPerAccount: z.int().min(1).default(10),
      signInsPerAddress: z.int().min(1).default(100),
      signUpsPerAddress: z.int().min(1).default(20)
    })
    .prefault({}),
  /** Milliseconds: for the headers of a request, for the whole of it, from its headers to the last byte of its answer, and between two requests. */
  timeouts: z
    .strictObject({
      headers: z.int().positive().default(10_000),
      request: z.int().positive().default(30_000),
      answer: z.int().positive().default(60_000),
      idle: z.int().positive().default(5_000)
    })
    .refine(({ headers, request }) => headers <= request, 'headers is at most request')
    .prefault({}),
  /** Who may register clients over the network; without it, nobody. */
  registration: RegistrationConfig.exactOptional(),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info')
})

/** What the server runs with: where it listens and keeps its data, and the settings of the authorization server. */
export type Config = z.infer<typeof Server> & { settings: SettingsInput }

/** The names of the server's own configuration, beside the settings of the library. */
export const SERVER_NAMES: readonly string[] = Object.keys(Server.shape)

/** @throws ConfigurationError with every fault, by name. */
export function parseConfig(input: unknown, folder: string = process.cwd()): Config {
  if (input === null || typeof input !== 'object' || Array.isArray(input)) throw new ConfigurationError('the configuration is an object')
  refuseUnknown(Object.keys(input), [...SERVER_NAMES, ...SETTING_NAMES], 'configuration')
  const entries = Object.entries(withProfile(input as Record<string, unknown>))
  const server = Server.safeParse(Object.fromEntries(entries.filter(([name]) => SERVER_NAMES.includes(name))))
  const settings = Object.fromEntries(entries.filter(([name]) => !SERVER_NAMES.includes(name))) as unknown as SettingsInput
  const faults = [...(server.error ? [z.prettifyError(server.error)] : []), ...faultsOf(settings)]
  if (!server.success || faults.length > 0) throw new ConfigurationError(`configuration: ${faults.join('\n')}`)
  const { database, secretFile, tls, outbound, openid, mutualTls, ...rest } = server.data
  if (tls && !settings.issuer.startsWith('https:')) throw new ConfigurationError('configuration: tls needs an issuer with https')
  checkMutualTls(server.data)
  return {
    ...rest,
    ...(tls && { tls: { certificateFile: resolve(folder, tls.certificateFile), keyFile: resolve(folder, tls.keyFile) } }),
    mutualTls: { ...mutualTls, ...(mutualTls.clientCaFile !== undefined && { clientCaFile: resolve(folder, mutualTls.clientCaFile) }) },
    database: isPostgres(database) ? database : resolve(folder, database),
    secretFile: resolve(folder, secretFile),
    openid: { ...openid, ...(openid.pairwiseKeyFile !== undefined && { pairwiseKeyFile: resolve(folder, openid.pairwiseKeyFile) }) },
    outbound: { ...outbound, ...(outbound.caFile !== undefined && { caFile: resolve(folder, outbound.caFile) }) },
    settings
  }
}

/** By the rules of the library itself, before anything is opened. */
function faultsOf(settings: SettingsInput): readonly string[] {
  try {
    resolveSettings(settings)
    return []
  } catch (error) {
    if (error instanceof ConfigurationError) return [error.message]
    throw error
  }
}

/** A JSON file; paths in it are relative to it. @throws ConfigurationError */
export function loadConfig(file: string): Config {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ConfigurationError(`cannot read ${file}: ${(cause as Error).message}`, { cause })
  }
  try {
    return parseConfig(JSON.parse(text), dirname(resolve(file)))
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new ConfigurationError(`${file} is not JSON: ${cause.message}`, { cause })
    throw cause
  }
}
