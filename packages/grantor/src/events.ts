import type { OutboundReason } from './outbound/base.ts'

/** What an operator or an auditor wants to know, each without secrets. */
export interface EventDetails {
  /** A client proved who it is. Failures carry the reason. */
  'client_authentication.failed': { clientId?: string; method?: string; reason: string }
  /** A certificate does not authenticate the client, or there is none (RFC 8705 §2). `thumbprint`: its SHA-256, base64url. */
  'client_certificate.refused': { clientId: string; reason: string; thumbprint?: string }
  /** An assertion came a second time (RFC 7523 §3). `issuer`: of one that was no client's own. */
  'assertion.replayed': { clientId: string; issuer?: string }
  /** An assertion was meant for the token endpoint and not for the issuer, as `assertionAudience` lets this client do. */
  'assertion.old_audience': { clientId: string; aud: string }
  /** A DPoP proof came a second time (RFC 9449 §11.1). `jkt`: the thumbprint of its key. */
  'dpop_proof.replayed': { jkt: string }
  /** Tokens went out. `grantId` is absent for client_credentials. */
  'token.issued': { clientId: string; grantType: string; subject?: string; scope: string; grantId?: string; refreshToken: boolean }
  /**
   * A token was exchanged for another (RFC 8693). `from`: the client that it was issued to, or the issuer of a JWT of another server; `actor`:
   * who acts for the subject, undefined if nobody else is seen to.
   */
  'token.exchanged': { clientId: string; from: string; subject: string; actor?: string; audience: readonly string[]; grantId?: string }
  /** An authorization response with success went out. */
  'authorization.granted': { clientId: string; subject: string; scope: string; grantId: string; responseType: string }
  /** A person decided a request that its client polls for. `kind`: of the record, such as `device_code`. */
  'authorization.decided': { clientId: string; kind: string; outcome: 'approved' | 'denied'; subject: string; grantId?: string }
  /** A person typed the code of no device (RFC 8628 §5.1), or had typed too many. */
  'user_code.refused': { reason: 'unknown' | 'too_many'; subject?: string; address?: string }
  /** A redeemed code came again, from the right client with the right verifier: its family is dead (RFC 6749 §4.1.2). */
  'code.replayed': { clientId: string; subject: string; grantId: string }
  /** The right client failed too often to redeem a code. */
  'code.burned': { clientId: string; subject: string; grantId: string }
  /** A rotated refresh token came again after its window: its family is dead (RFC 9700 §4.14.2). */
  'refresh_token.reused': { clientId: string; subject: string; grantId: string }
  /** The same refresh again within the window: the same successor was given. */
  'refresh_token.repeated': { clientId: string; grantId: string }
  /** A grant and all that came of it is dead. */
  'grant.revoked': { clientId: string; grantId: string; reason: string }
  /** One access token is dead. */
  'token.revoked': { clientId: string; grantId?: string }
  /** A client tried to revoke or introspect what is not its own. */
  'token.foreign': { clientId: string; owner: string; endpoint: string }
  'token.introspected': { clientId: string; active: boolean }
  /** The person is asked for something. */
  'interaction.started': { clientId: string; interactionId: string; prompt: string; reason: string }
  /** It ended, and the client was told. `subject`: who granted. */
  'interaction.finished': { clientId: string; interactionId: string; outcome: 'granted' | 'denied'; subject?: string }
  /** A browser session ended, and with it what depends on it. */
  'session.ended': { sessionId: string; subject: string }
  /** An application was told of the end of a session (OpenID Connect Back-Channel Logout §2.5). */
  'logout.delivered': { clientId: string; sessionId: string; attempts: number }
  /** It could not be told. `retryAt` in seconds since the epoch; absent: that was the last attempt. */
  'logout.failed': { clientId: string; sessionId: string; attempts: number; reason: string; retryAt?: number }
  /** An application was told that a request of its own was decided (CIBA Core §10.2). */
  'notification.delivered': { clientId: string; attempts: number }
  /** It could not be told; it may poll. `retryAt` in seconds since the epoch; absent: that was the last attempt. */
  'notification.failed': { clientId: string; attempts: number; reason: string; retryAt?: number }
  'client.created': { clientId: string }
  'client.updated': { clientId: string }
  'client.deleted': { clientId: string }
  /** A client registered itself. `tokenId`: with which initial access token. */
  'client.registered': { clientId: string; access: 'open' | 'initial-access-token'; tokenId?: string; name?: string; address?: string }
  /** A client that registered itself was deleted because nobody used it. */
  'client.expired': { clientId: string }
  /** Somebody may register clients with a token. Times in seconds since the epoch. */
  'initial_access_token.created': { tokenId: string; uses: number; expiresAt: number }
  'initial_access_token.revoked': { tokenId: string }
  'keys.rotated': { kid: string; alg: string; activeFrom: number }
  /** A key is gone: nothing needs it any more, or its operator said so. */
  'keys.retired': { kid: string; alg: string }
  /** A browser origin may not read the answer; `allowed_origins` or a redirect URI of the client would permit it. */
  'cors.refused': { clientId?: string; origin: string; endpoint: string }
  /** A URL that somebody else wrote was not fetched, or what it answered was not accepted. `origin` is empty for what is no URL. */
  'outbound.refused': { origin: string; reason: OutboundReason }
  /** A request was refused with a registered error. `detail`: what was received against what was registered. */
  'request.refused': {
    endpoint: string
    error: string
    status: number
    reason: string
    clientId?: string
    detail?: Record<string, unknown>
  }
  /** Something broke. */
  'request.failed': { endpoint: string; error: string; status: number; reason: string; cause: unknown }
}

export type EventName = keyof EventDetails

/** `time` in seconds since the epoch; `requestId` is the one on the page, in the header and in the log. */
export type Event = { [N in EventName]: { type: N; time: number; requestId?: string } & EventDetails[N] }[EventName]
