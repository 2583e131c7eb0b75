import { randomBytes } from 'node:crypto'
import { type JWTPayload, SignJWT } from 'jose'
import { expect } from 'vitest'
import { checkAnswer, checkIdToken, checkTokens } from './checks.ts'
import { type Journey, Person } from './person.ts'
import type { Suite } from './suite.ts'

/** What a client got when it registered. */
export interface Registration {
  client_id: string
  client_secret?: string
  redirect_uris: string[]
  token_endpoint_auth_method: string
  id_token_signed_response_alg?: string
  registration_access_token: string
  registration_client_uri: string
}

type Values = Readonly<Record<string, string | undefined>>

/** An authorization request, and how it ended. */
export interface Outcome extends Journey {
  /** What was sent. */
  sent: Record<string, string>
  /** What came back, checked. Empty: nothing came. */
  params: Record<string, string>
}

/** Both ID tokens, where the flow has both, and the one access token to go on with. */
export interface SignedIn {
  outcome: Outcome
  claims: JWTPayload
  tokens: Record<string, string>
  accessToken: string | undefined
}

/** A client of the suite: sends requests, and checks everything that comes back. */
export class RelyingParty {
  readonly registration: Registration
  readonly #suite: Suite
  readonly #key: CryptoKey | undefined

  constructor(suite: Suite, registration: Registration, key: CryptoKey | undefined) {
    this.registration = registration
    this.#suite = suite
    this.#key = key
  }

  /** A request as the suite sends it; undefined leaves a parameter out. */
  request(values: Values): Record<string, string> {
    const nonce = (values['response_type'] ?? 'code').includes('id_token') ? { nonce: randomBytes(16).toString('base64url') } : {}
    const all = {
      client_id: this.registration.client_id,
      redirect_uri: this.registration.redirect_uris[0],
      scope: 'openid',
      state: randomBytes(16).toString('base64url'),
      ...nonce,
      ...values
    }
    return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined))
  }

  urlOf(sent: Record<string, string>): string {
    return `${this.#suite.url('authorization_endpoint')}?${new URLSearchParams(sent)}`
  }

  /** A person takes a request through the pages. */
  async authorize(person: Person, values: Values): Promise<Outcome> {
    const sent = this.request(values)
    return this.arrived(sent, await person.open(this.urlOf(sent)))
  }

  /** The end of a request that a person took through the pages. */
  arrived(sent: Record<string, string>, journey: Journey): Outcome {
    const { location, form } = journey
    if (location === undefined) return { ...journey, sent, params: {} }
    const { response_mode, response_type = 'code', redirect_uri: redirectUri = '', state } = sent
    const usual = response_type === 'code' ? 'query' : 'fragment'
    const place = response_mode === 'form_post' ? 'form' : usual
    return { ...journey, sent, params: checkAnswer({ location, form, place, redirectUri, state, issuer: this.#suite.issuer }) }
  }

  /** At the token endpoint, authenticated as the client is registered. */
  async post(params: Values): Promise<Response> {
    const { client_id, client_secret = '', token_endpoint_auth_method } = this.registration
    const body = new URLSearchParams(Object.entries(params).filter((entry): entry is [string, string] => entry[1] !== undefined))
    const headers: Record<string, string> = {}
    if (token_endpoint_auth_method === 'client_secret_basic') {
      // RFC 6749 §2.3.1: both are form-urlencoded before base64.
      const encoded = [client_id, client_secret].map((text) => new URLSearchParams({ '': text }).toString().slice(1)).join(':')
      headers['authorization'] = `Basic ${btoa(encoded)}`
    } else if (token_endpoint_auth_method === 'private_key_jwt') {
      body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
      body.set('client_assertion', await this.assertion())
    } else {
      body.set('client_id', client_id)
      if (token_endpoint_auth_method === 'client_secret_post') body.set('client_secret', client_secret)
    }
    return fetch(this.#suite.url('token_endpoint'), { method: 'POST', body, headers })
  }

  /** RFC 7523 §3. The suite names the token endpoint or the issuer. */
  assertion(audience: string = this.#suite.url('token_endpoint'), key = this.#key, kid?: string): Promise<string> {
    const { client_id } = this.registration
    return new SignJWT()
      .setProtectedHeader({ alg: 'RS256', ...(kid !== undefined && { kid }) })
      .setIssuer(client_id)
      .setSubject(client_id)
      .setAudience(audience)
      .setJti(randomBytes(16).toString('hex'))
      .setIssuedAt()
      .setExpirationTime('1 minute')
      .sign(key as CryptoKey)
  }

  redeem({ sent, params }: Outcome, values: Values = {}): Promise<Response> {
    return this.post({ grant_type: 'authorization_code', code: params['code'], redirect_uri: sent['redirect_uri'], ...values })
  }

  /** The whole flow, with every check of tokens that the response type calls for. */
  async signIn(
    values: Values,
    { person = new Person(), requested = [] as readonly string[], redeem = {} as Values } = {}
  ): Promise<SignedIn> {
    const outcome = await this.authorize(person, values)
    const { sent, params } = outcome
    expect({ params, html: outcome.html }).not.toMatchObject({ params: { error: expect.anything() } })
    const words = (sent['response_type'] ?? '').split(' ')
    expect(
      Object.keys(params)
        .filter((name) => ['code', 'access_token', 'id_token'].includes(name))
        .sort()
    ).toEqual(words.map((word) => (word === 'token' ? 'access_token' : word)).sort())
    const front = params['id_token'] === undefined ? undefined : await this.#claims(params['id_token'], sent, params, requested)
    const tokens = params['code'] === undefined ? {} : await checkTokens(await this.redeem(outcome, redeem))
    const back =
      tokens['id_token'] === undefined
        ? undefined
        : await this.#claims(tokens['id_token'], sent, { access_token: tokens['access_token'] }, requested)
    if (front && back) expect([back.iss, back.sub]).toEqual([front.iss, front.sub])
    return { outcome, claims: (back ?? front) as JWTPayload, tokens, accessToken: tokens['access_token'] ?? params['access_token'] }
  }

  async refresh(refreshToken: string | undefined, values: Values = {}): Promise<Response> {
    return this.post({ grant_type: 'refresh_token', refresh_token: refreshToken, ...values })
  }

  userinfo(accessToken: string | undefined, init: RequestInit = {}): Promise<Response> {
    return fetch(this.#suite.url('userinfo_endpoint'), { ...init, headers: { authorization: `Bearer ${accessToken}`, ...init.headers } })
  }

  async #claims(token: string, sent: Record<string, string>, beside: Values, requested: readonly string[]): Promise<JWTPayload> {
    const { client_id: clientId, id_token_signed_response_alg: alg } = this.registration
    return checkIdToken(token, {
      ...{ jwks: await this.#suite.jwks(), issuer: this.#suite.issuer, clientId, nonce: sent['nonce'], requested },
      ...{ accessToken: beside['access_token'], code: beside['code'], alg }
    })
  }
}
