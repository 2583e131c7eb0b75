import { checkTrustedIssuers, type TrustedIssuer } from '../../assertions/trusted-issuer.ts'
import { ConfigurationError } from '../../errors.ts'
import type { Client } from '../../models/client.ts'
import type { KnownResources } from '../../models/resource.ts'
import { defaultAudience } from '../../models/resource.ts'
import type { TokenRequest } from '../../requests.ts'
import { checkValues, flag, isRecord, listOf, refuseUnknown, type SettingRule, scope, text } from '../../setting-rules.ts'

/** What may come of an exchange. Never more scope than the subject token has, and never a longer life. */
export interface ExchangeAllowance {
  /** The APIs that the new token may be for, by identifier, besides those of the subject token. Default: no other. */
  audience?: readonly string[]
  /**
   * What of the subject token's scope it may carry, space-separated. Default: all that the client is registered for. A JWT of another server
   * has no scope here: this is all that comes of it, and by default that is none.
   */
  scope?: string
  /** Whether an `actor_token` may be left out, so that nobody sees in the new token who acts (RFC 8693 §1.1). Default false. */
  impersonation?: boolean
}

/** One field of the matrix of who may exchange whose tokens. */
export interface ExchangeRule extends ExchangeAllowance {
  /** Who exchanges, by `client_id`. */
  client: string
  /** Whose tokens: the clients that they were issued to, or the issuers of JWTs. */
  from: readonly string[]
}

/** What somebody tries to exchange. */
export interface ExchangeAttempt {
  client: Client
  /** The client that the subject token was issued to, or the issuer of a JWT of another server. */
  from: string
  /** Whom it is about: a person, or a client with a token of its own. */
  subject: string
  /** What it is good for; a JWT of another server for no scope. */
  scope: readonly string[]
  audience: readonly string[]
  request: TokenRequest
}

/** Says what may come of it; undefined: nothing. */
export type ExchangePolicy = (attempt: ExchangeAttempt) => Promise<ExchangeAllowance | undefined>

export interface TokenExchangeOptions {
  /** Who may exchange whose tokens. Default: nobody. A client needs the grant type in its `grant_types` as well. */
  allow?: readonly ExchangeRule[] | ExchangePolicy
  /** Other servers whose JWTs may be subject tokens. Default: none. */
  issuers?: readonly TrustedIssuer[]
}

const RULES: Readonly<Record<keyof ExchangeRule, SettingRule>> = {
  client: text,
  from: listOf(text),
  audience: listOf(text),
  scope,
  impersonation: flag
}

/** @throws ConfigurationError if an option is unknown, or a rule cannot work or says twice what a client may do with the tokens of another. */
export function checkOptions(options: TokenExchangeOptions): void {
  refuseUnknown(Object.keys(options), ['allow', 'issuers'], 'tokenExchange')
  const { allow = [], issuers = [] } = options
  checkTrustedIssuers(issuers, 'tokenExchange')
  if (typeof allow === 'function') return
  if (!Array.isArray(allow)) throw new ConfigurationError('tokenExchange: allow is a list of rules, or a function')
  allow.forEach(checkRule)
  const fields = allow.flatMap(({ client, from }: ExchangeRule) => from.map((one) => `${client} tokens of ${one}`))
  const repeated = fields.find((field, index) => fields.indexOf(field) < index)
  if (repeated !== undefined) throw new ConfigurationError(`tokenExchange: allow: ${repeated}: that is there twice`)
}

/** @throws ConfigurationError if a rule names an API that there is not. */
export function checkAudiences({ allow = [] }: TokenExchangeOptions, known: KnownResources): void {
  if (typeof allow === 'function') return
  const identifiers = [known.issuer, defaultAudience(known), ...known.resources.map(({ identifier }) => identifier)]
  const unknown = allow.flatMap(({ audience = [] }) => audience).find((identifier) => !identifiers.includes(identifier))
  if (unknown !== undefined) throw new ConfigurationError(`tokenExchange: allow: ${unknown} is none of the resources of the settings`)
}

function checkRule(rule: unknown, index: number): void {
  const where = `tokenExchange: allow: rule ${index + 1}`
  if (!isRecord(rule)) throw new ConfigurationError(`${where} is an object`)
  refuseUnknown(Object.keys(rule), Object.keys(RULES), where)
  checkValues({ ...rule, client: rule.client ?? null, from: rule.from ?? null }, RULES, where)
}
