import type { HttpRequest, HttpResponse } from '../http.ts'
import type { Client } from '../models/client.ts'
import type { OAuthRequest } from '../requests.ts'

/** Who is signed in at this browser, as the integrator's session says. */
export interface Session {
  /** Identifies the session; a new one at every sign-in. Not a secret: never the cookie's value. */
  id: string
  subject: string
  /** When the person last proved who they are, in seconds since the epoch. */
  authTime: number
  acr?: string
  amr?: readonly string[]
}

/** Something the person must do before the client gets an answer. */
export interface Interaction {
  id: string
  /** What to show: `login`, `consent`, `select_account`, or what an extension asks for. */
  prompt: string
  /** Why, by the name of the check: `no_session`, `max_age`, `new_scope` … */
  reason: string
  client: Client
  /** Everything that the client asks for. */
  scope: readonly string[]
  /** What of it the person has not granted before. */
  newScope: readonly string[]
  /** What extensions read out of the request: the claims, the authorization details … */
  details: Readonly<Record<string, unknown>>
  /** Where the response will go; show its host. */
  redirectUri: string
  /** Who is signed in. */
  subject?: string
  loginHint?: string
  uiLocales?: readonly string[]
  acrValues?: readonly string[]
  /** Send the browser there when the person is done; the request is then judged again from the start. */
  returnTo: string
  /** Seconds since the epoch. */
  expiresAt: number
}

/** What the person decided. A sign-in needs no result: the session shows it. */
export interface InteractionResult {
  /** Which scope the person granted; never more than was asked for. */
  consent?: { subject: string; scope: readonly string[] }
  /** The person chose to go on as this subject. */
  account?: { subject: string }
  denied?: true
}

/** The integrator's part: sessions and pages. The library decides what to ask and why. */
export interface Interactions {
  session(request: OAuthRequest): Promise<Session | undefined>
  /** Shows the page, or redirects to it. */
  prompt(interaction: Interaction, request: OAuthRequest): Promise<HttpResponse>
  /** Shows an error that must not be redirected. Default: a plain page. */
  error?(error: { error: string; description: string; status: number; requestId: string }, request: HttpRequest): Promise<HttpResponse>
}
