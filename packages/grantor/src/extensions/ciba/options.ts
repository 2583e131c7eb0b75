import { ConfigurationError } from '../../errors.ts'
import type { Client } from '../../models/client.ts'
import { flag, limit, type SettingRule, seconds, withDefaults } from '../../setting-rules.ts'
import type { BackchannelRequest } from './backchannel-request.ts'

/**
 * Whom a client means (CIBA Core §7.1). `login_hint` and `login_hint_token`: as sent. `subject`: whom an ID token of this server names that
 * came as `id_token_hint`, and, before tokens are issued, whoever approved.
 */
export interface UserHint {
  kind: 'login_hint' | 'login_hint_token' | 'subject'
  value: string
}

/** The code by which people keep away requests that they did not ask for (CIBA Core §7.1). */
export interface UserCodeAttempt {
  /** Absent: the hint leads to nobody, and the client must not learn it. Answer as you would for somebody. */
  subject?: string
  /** Absent: there is none, or this client is not registered for it. */
  code?: string
  client: Client
}

/** How people are asked, and how often. */
export interface CibaOptions {
  /**
   * The subject of a person who may sign in now. Undefined: there is none.
   * @throws ExpiredLoginHintTokenError, and other errors that the client is told
   */
  findUser(hint: UserHint, client: Client): Promise<string | undefined>
  /** Reaches the person: a message to their phone, a mail. The client's answer does not wait for it; a failure is reported as an event. */
  notify?(request: BackchannelRequest): Promise<void>
  /** Judges `user_code`; limit the guesses of one person. Without it there are no such codes. */
  userCode?(attempt: UserCodeAttempt): Promise<'right' | 'wrong' | 'missing'>
  /** A `login_hint` that leads to nobody is answered as if it led to somebody, who never decides. Default false: `unknown_user_id`. */
  hideUnknownUsers?: boolean
  /** Seconds that a person has to decide, at most `maxLifetime`. Default 120. */
  lifetime?: number
  /** Seconds that a client may ask for by `requested_expiry`, at most 3600. Default 600. */
  maxLifetime?: number
  /** Seconds that a client waits between two polls, at most 60. Default 5. */
  interval?: number
  /** Requests of one client from one address within a minute; more are answered 429. 0 = no limit. Default 60. */
  limit?: number
  /** Requests for one person within a minute, of all clients: who is asked again and again says yes in the end. 0 = no limit. Default 5. */
  userLimit?: number
}

type Defaults = Required<Pick<CibaOptions, 'hideUnknownUsers' | 'lifetime' | 'maxLifetime' | 'interval' | 'limit' | 'userLimit'>>
export type ResolvedOptions = CibaOptions & Defaults

const DEFAULTS: Defaults = { hideUnknownUsers: false, lifetime: 120, maxLifetime: 600, interval: 5, limit: 60, userLimit: 5 }

const callback: SettingRule = (value) => (typeof value === 'function' ? undefined : 'a function')

const RULES: Readonly<Record<keyof CibaOptions, SettingRule>> = {
  findUser: callback,
  notify: callback,
  userCode: callback,
  hideUnknownUsers: flag,
  lifetime: seconds(1, 3600),
  maxLifetime: seconds(1, 3600),
  interval: seconds(1, 60),
  limit,
  userLimit: limit
}

/** All options, with the defaults for those left out. @throws ConfigurationError if one is unknown or cannot work. */
export function resolveOptions({ findUser, ...options }: CibaOptions): ResolvedOptions {
  if (findUser === undefined) throw new ConfigurationError('ciba: findUser is missing')
  const resolved = withDefaults<ResolvedOptions>({ findUser, ...options }, { findUser, ...DEFAULTS }, RULES, 'ciba')
  if (resolved.lifetime > resolved.maxLifetime) throw new ConfigurationError('ciba: lifetime is at most maxLifetime')
  return resolved
}
