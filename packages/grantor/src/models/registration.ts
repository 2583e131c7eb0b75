import type { Kind } from './artifacts.ts'

/** What clients that register themselves may have; of what they ask for, the rest is left out. */
export interface RegistrationAllowance {
  /** Default: those of OpenID Connect, where it is served. */
  scopes?: readonly string[]
  /** Default: `authorization_code` and `refresh_token`. */
  grantTypes?: readonly string[]
  /** Default: all that are served. */
  responseTypes?: readonly string[]
  /** Default: all that are served. */
  authMethods?: readonly string[]
}

/** Lets its bearer register clients (RFC 7591 §1.2). */
export interface InitialAccessToken {
  /** Registrations that are left. */
  left: number
  /** What clients registered with it may have, where that differs from the server's word. */
  allow?: RegistrationAllowance
}

/** Lets a client manage its registration (RFC 7592 §1.2). There is one live one for each client that registered itself. */
export interface RegistrationAccessToken {
  client_id: string
  /** When the client was registered: another of the same name is not this one. */
  issued_at: number
  /** When the client was last known to be in use. */
  used_at: number
  allow?: RegistrationAllowance
}

export const INITIAL_ACCESS_TOKEN: Kind<InitialAccessToken> = 'initial_access_token'
export const REGISTRATION_ACCESS_TOKEN: Kind<RegistrationAccessToken> = 'registration_access_token'
