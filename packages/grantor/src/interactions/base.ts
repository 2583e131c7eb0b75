import type { HttpRequest, HttpResponse } from '../http.ts'
import type { Client } from '../models/client.ts'
import type { OAuthRequest } from '../requests.ts'

/** Who is signed in at this browser, as the integrator's session says. */
export interface Session {
  /** Identifies the session; a new one at every sign-in. Not a secret: never the cookie's value. */
  id: string
  /** What applications know the session by; it stays while the same person signs in again. Default: the id. */
  sid?: string
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
  /** How the client would have the page shown (OpenID Connect Core §3.1.2.1): `page`, `popup`, `touch`, `wap`. */
  display?: string
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

/** An error as a person sees it. */
export interface ShownError {
  error: string
  description: string
  status: number
  requestId: string
  /** What stands above it: `Request rejected`, or what the endpoint says. */
  heading: string
}

/** An application, or a link, wants the person signed out, and it is not certain that the person does. */
export interface LogoutQuestion {
  session: Session
  /** Who asks; absent if the request does not say. */
  client?: Client
  /** Where the form of the page is sent to by POST, with these fields. */
  action: string
  fields: Readonly<Record<string, string>>
  logoutHint?: string
  uiLocales?: readonly string[]
}

/** The person is signed out. */
export interface LoggedOut {
  client?: Client
  /** Where the browser goes next; a header of the response takes it there, a link on the page does too. */
  continueTo?: string
  /** What the page loads in frames, so that applications learn of it (Front-Channel Logout §3). */
  frames: readonly string[]
  /** What the page's Content-Security-Policy must say for that; empty if there are none. */
  csp: string
}

/** A person is to type the code that a device shows (RFC 8628 §3.3). */
export interface UserCodeQuestion {
  /** Where the form of the page is sent to by POST, with these fields and what the person types as `user_code`. */
  action: string
  fields: Readonly<Record<string, string>>
  /** What stands there already: from the link, or what was typed before. It is anybody's text. */
  userCode?: string
  /** Why the last one was not taken: it is no code that waits for somebody, or too many were wrong. */
  fault?: 'unknown' | 'too_many'
}

/** Whether a device may have access (RFC 8628 §5.4): ask it always, whatever the person allowed before. */
export interface DeviceQuestion {
  session: Session
  client: Client
  scope: readonly string[]
  /** What extensions read out of the request. */
  details: Readonly<Record<string, unknown>>
  /** To be compared with what the device shows. */
  userCode: string
  /** Where the request came from, as far as is known. */
  address?: string
  userAgent?: string
  /** Seconds since the epoch. */
  requestedAt: number
  expiresAt: number
  /** Where the form of the page is sent to by POST, with these fields and `decision`, which is `approve` or `deny`. */
  action: string
  fields: Readonly<Record<string, string>>
}

/** The person decided, and goes on at the device. */
export interface DeviceDecision {
  client: Client
  approved: boolean
}

/** The integrator's part: sessions and pages. The library decides what to ask and why. */
export interface Interactions {
  session(request: OAuthRequest): Promise<Session | undefined>
  /** Shows the page, or redirects to it. */
  prompt(interaction: Interaction, request: OAuthRequest): Promise<HttpResponse>
  /** Shows an error that must not be redirected. Default: a plain page. */
  error?(error: ShownError, request: HttpRequest): Promise<HttpResponse>
  /** Ends the session; its cookie is worthless from now on. Returns the `Set-Cookie` headers that forget it. It may be called twice. */
  endSession?(session: Session, request: OAuthRequest): Promise<readonly string[]>
  /** Asks whether to sign out. Default: a plain page. */
  confirmLogout?(question: LogoutQuestion, request: OAuthRequest): Promise<HttpResponse>
  /** Says that the person is signed out. Default: a plain page. */
  loggedOut?(page: LoggedOut, request: OAuthRequest): Promise<HttpResponse>
  /** Asks for the code of a device. Default: a plain page. */
  enterUserCode?(question: UserCodeQuestion, request: OAuthRequest): Promise<HttpResponse>
  /** Asks whether a device may have access. Default: a plain page. */
  confirmDevice?(question: DeviceQuestion, request: OAuthRequest): Promise<HttpResponse>
  /** Says what was decided. Default: a plain page. */
  deviceDecided?(decision: DeviceDecision, request: OAuthRequest): Promise<HttpResponse>
}
