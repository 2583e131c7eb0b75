// How a contender is asked: what it offers, where, and as whom. A workload adds what varies.

/** A POST of a form. */
export interface Form {
  path: string
  /** Lines as they travel, each with its end. */
  headers: string
  body: string
}

/** An authorization request, path and query, and the form that redeems its code, which is added at the end. */
export interface CodeFlow {
  authorize: string
  redeem: Form
}

/** What is absent is not offered, and not measured. */
export interface Plan {
  /** client_credentials for an access token that is looked up. */
  opaque?: Form
  /** client_credentials for an access token in JWT form, signed with ES256. */
  jwt?: Form
  /** Introspection of what `opaque` gave. */
  introspect?: Form
  code?: CodeFlow
  /** The same with the scope `openid`, for an ID token. */
  openid?: CodeFlow
  /** A refresh token of `code` is added at its end. */
  refresh?: Form
  userinfo?: string
  /** Discovery and JWKS. */
  documents?: readonly [string, string]
  /** The Cookie header of each person who is signed in and allowed the client what it asks for. */
  people: readonly string[]
}

export const REDIRECT_URI = 'https://client.example.com/cb'
/** RFC 7636, Appendix B. */
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
export const STATE = 'af0ifjsldkj'

export interface Client {
  id: string
  secret: string
}

/** A form sent by a client that authenticates with Basic. */
export function form(path: string, client: Client, params: Record<string, string>): Form {
  const basic = Buffer.from(`${client.id}:${client.secret}`).toString('base64')
  return {
    path,
    headers: `content-type: application/x-www-form-urlencoded\r\nauthorization: Basic ${basic}\r\n`,
    body: String(new URLSearchParams(params))
  }
}

export function codeFlow(client: Client, scope: string, { authorize, token }: { authorize: string; token: string }): CodeFlow {
  const request = new URLSearchParams({
    client_id: client.id,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope,
    state: STATE,
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256'
  })
  const redemption = { grant_type: 'authorization_code', redirect_uri: REDIRECT_URI, code_verifier: VERIFIER }
  return { authorize: `${authorize}?${request}`, redeem: form(token, client, redemption) }
}
