import * as oidc from 'openid-client'

/** Asks this server once what it offers, as any public client would, and again if it did not answer. */
export function discovery(issuer: string, clientId: string): () => Promise<oidc.Configuration> {
  let known: Promise<oidc.Configuration> | undefined
  return () => {
    known ??= oidc
      .discovery(new URL(issuer), clientId, undefined, oidc.None(), { execute: [oidc.allowInsecureRequests] })
      .catch((error: unknown) => {
        known = undefined
        throw error
      })
    return known
  }
}
