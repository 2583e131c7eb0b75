import { AccountSelectionRequiredError, ConsentRequiredError, LoginRequiredError, type OAuthError } from '../errors.ts'
import { isPublic } from '../models/client.ts'
import type { Grant } from '../models/grant.ts'
import { isLoopback } from '../models/redirect-uri.ts'
import type { AuthorizationRequest } from '../requests.ts'
import type { InteractionResult, Session } from './base.ts'

/** What the checks may look at. */
export interface Situation {
  request: AuthorizationRequest
  /** What the extensions read out of it. */
  details: Readonly<Record<string, unknown>>
  prompts: readonly string[]
  /** Seconds; undefined if the client sets no limit. */
  maxAge: number | undefined
  session: Session | undefined
  /** Whether the person signed in since this request began. */
  freshLogin: boolean
  /** What the person decided in this interaction. */
  result: InteractionResult
  /** The newest few of this person's live grants to this client: nearly always all that one needs to know. */
  recentlyGranted(): Promise<readonly Grant[]>
  /** All of them. */
  granted(): Promise<readonly Grant[]>
  /** Seconds since the epoch. */
  now: number
}

/** A reason to involve the person. */
export interface InteractionCheck {
  /** Its name is the reason that pages, logs and events give. */
  readonly reason: string
  readonly prompt: string
  /** What the client gets instead, if it forbade every page (OpenID Connect Core §3.1.2.6). */
  readonly error: new () => OAuthError
  /** Looked at before all others, even before who is there. */
  readonly comesFirst?: boolean
  isNeeded(situation: Situation): boolean | Promise<boolean>
}

/** In this order; the first that is needed is shown, and after it the request is judged again. */
export const CHECKS: readonly InteractionCheck[] = [
  {
    reason: 'no_session',
    prompt: 'login',
    error: LoginRequiredError,
    isNeeded: ({ session }) => session === undefined
  },
  {
    reason: 'prompt=select_account',
    prompt: 'select_account',
    error: AccountSelectionRequiredError,
    isNeeded: ({ prompts, session, freshLogin, result }) =>
      prompts.includes('select_account') && !freshLogin && result.account?.subject !== session?.subject
  },
  {
    reason: 'prompt=login',
    prompt: 'login',
    error: LoginRequiredError,
    isNeeded: ({ prompts, freshLogin }) => prompts.includes('login') && !freshLogin
  },
  {
    // OpenID Connect Core §3.1.2.1: "If the elapsed time is greater than this value, the OP MUST attempt to actively re-authenticate the End-User."
    reason: 'max_age',
    prompt: 'login',
    error: LoginRequiredError,
    isNeeded: ({ maxAge, session, freshLogin, now }) =>
      maxAge !== undefined && session !== undefined && !freshLogin && (maxAge === 0 || now - session.authTime > maxAge)
  },
  {
    reason: 'prompt=consent',
    prompt: 'consent',
    error: ConsentRequiredError,
    isNeeded: (situation) => situation.prompts.includes('consent') && !hasConsented(situation)
  },
  {
    // RFC 8252 §8.6: who only says that it is the native app must not pass silently.
    reason: 'unproven_client',
    prompt: 'consent',
    error: ConsentRequiredError,
    isNeeded: (situation) => isUnproven(situation.request) && !hasConsented(situation)
  },
  {
    reason: 'new_scope',
    prompt: 'consent',
    error: ConsentRequiredError,
    isNeeded: (situation) => situation.request.client.require_consent !== false && !hasConsented(situation) && isNew(situation)
  }
]

/** Whether the person never allowed all of the scope; the newest few grants tell nearly always. */
async function isNew({ request: { scope }, recentlyGranted, granted }: Situation): Promise<boolean> {
  return !isCovered(scope, await recentlyGranted()) && !isCovered(scope, await granted())
}

/** Whether some grants together allow all of it; without any grant nothing was allowed, not even an empty scope. */
function isCovered(scope: readonly string[], grants: readonly Grant[]): boolean {
  return grants.length > 0 && scope.every((token) => grants.some((grant) => grant.scope.includes(token)))
}

/** Everything that some grants allow together. */
export function scopeOf(grants: readonly Grant[]): readonly string[] {
  return grants.flatMap(({ scope }) => scope)
}

/** Whether the person agreed to all that is asked for, in this interaction. */
export function hasConsented({ result, session }: Situation): boolean {
  return result.consent !== undefined && result.consent.subject === session?.subject
}

function isUnproven({ client, redirectUri }: AuthorizationRequest): boolean {
  return isPublic(client) && client.require_consent !== false && (isLoopback(redirectUri) || !redirectUri.startsWith('https://'))
}
