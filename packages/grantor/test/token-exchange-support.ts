import {
  type AuthorizationServerOptions,
  type ExchangeRule,
  type NewClient,
  type TokenExchangeOptions,
  tokenExchange
} from '../src/index.ts'
import { basic, type TestServer } from './support.ts'

export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
export const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token'
export const GATEWAY = 'https://gateway.example.com'
export const ORDERS = 'https://orders.example.com'
export const MAIL = 'https://mail.example.com'

export type Credentials = { client_id: string; client_secret?: string }
export type Params = Record<string, string>

/** The gateway may exchange what the application got, for the orders, and need not say that it acts. */
export const RULE: ExchangeRule = { client: 'gateway', from: ['app'], audience: [ORDERS], impersonation: true }

/** Settings of a server that exchanges by these rules. */
export function exchanging(
  allow: NonNullable<TokenExchangeOptions['allow']> = [RULE],
  { extensions = [], ...settings }: Partial<AuthorizationServerOptions> = {}
): Partial<AuthorizationServerOptions> {
  const resources = [GATEWAY, ORDERS, MAIL].map((identifier) => ({ identifier }))
  return { resources, defaultResource: GATEWAY, extensions: [tokenExchange({ allow }), ...extensions], ...settings }
}

/** An application that people use, and a gateway that is shown its tokens. */
export async function exchangers(test: TestServer, metadata: NewClient = {}) {
  const app = await test.client({ scope: 'openid read write' })
  const gateway = await test.client({
    client_id: 'gateway',
    grant_types: ['client_credentials', EXCHANGE],
    scope: 'openid read write send',
    ...metadata
  })
  /** What a person's application has. */
  const subjectTokens = async (scope = 'read write') =>
    (await (await test.redeem(app, await test.code({ scope }))).json()) as Record<string, string>
  const ownToken = async (by: Credentials, params: Params = {}, headers: Params = {}) => {
    const authorization = basic(by.client_id, by.client_secret ?? '')
    const response = await test.post('/token', { grant_type: 'client_credentials', ...params }, { ...authorization, ...headers })
    return ((await response.json()) as { access_token: string }).access_token
  }
  const exchange = (subject_token: string | undefined, params: Params = {}, by: Credentials = gateway, headers: Params = {}) => {
    const subject = { subject_token: subject_token ?? '', subject_token_type: ACCESS_TOKEN }
    return test.post(
      '/token',
      { grant_type: EXCHANGE, ...subject, ...params },
      { ...basic(by.client_id, by.client_secret ?? ''), ...headers }
    )
  }
  const exchanged = async (...args: Parameters<typeof exchange>): Promise<Record<string, string>> => {
    const response = await exchange(...args)
    if (response.status !== 200) throw new Error(await response.text())
    return response.json()
  }
  const shown = (token: string | undefined) => test.introspect(gateway, token ?? '')
  return { app, gateway, subjectTokens, ownToken, exchange, exchanged, shown }
}
