import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import {
  type AuthorizationServerOptions,
  type BackchannelRequest,
  BackchannelRequests,
  CIBA_GRANT_TYPE,
  type CibaOptions,
  ciba,
  type NewClient,
  openid
} from '../src/index.ts'
import { basic, ISSUER, START, TestServer } from './support.ts'

export const TILL = {
  client_id: 'till',
  client_name: 'Till',
  grant_types: [CIBA_GRANT_TYPE, 'refresh_token'],
  scope: 'openid email read offline_access',
  backchannel_token_delivery_mode: 'poll' as const
}
export const ALICE = { subject: 'alice', authTime: START - 10, acr: 'silver', amr: ['pwd'] }

export interface Acknowledgement {
  auth_req_id: string
  expires_in: number
  interval: number
}

/** A provider with a till that asks people, and Alice, who is known by her mail address. */
export async function cibaServer(
  options: Partial<CibaOptions> = {},
  { metadata = {}, extensions = [], ...server }: Partial<AuthorizationServerOptions> & { metadata?: NewClient } = {}
) {
  const people = new Map<string, object>([['alice', { email: 'alice@example.com' }]])
  /** Whom people were told to look at, in order. */
  const notified: BackchannelRequest[] = []
  const findUser: CibaOptions['findUser'] = async ({ value }) => {
    const [subject = ''] = value.split('@')
    return people.has(subject) ? subject : undefined
  }
  const notify = async (request: BackchannelRequest) => void notified.push(request)
  const provider = openid({ claims: async (subject) => people.get(subject) as never })
  const test = new TestServer({ ...server, extensions: [provider, ciba({ findUser, notify, userLimit: 0, ...options }), ...extensions] })
  const { client_secret = '', ...till } = await test.server.clients.create({ ...TILL, ...metadata })
  const requests = new BackchannelRequests(test.server)
  const send = (params: Record<string, string> | string) => test.post('/bc-authorize', params, basic(till.client_id, client_secret))
  const ask = (params: Record<string, string> = {}) => send({ scope: 'openid', login_hint: 'alice@example.com', ...params })
  const begin = async (params: Record<string, string> = {}): Promise<Acknowledgement> => (await ask(params)).json()
  const poll = (auth_req_id: string, params: Record<string, string> = {}) =>
    test.token({ client_id: till.client_id, client_secret }, { grant_type: CIBA_GRANT_TYPE, auth_req_id, ...params })
  /** The one that waits longest. */
  const waiting = async (subject = 'alice'): Promise<BackchannelRequest> => {
    const [first] = await requests.list(subject)
    if (!first) throw new Error(`nothing waits for ${subject}`)
    return first
  }
  const approve = async () => requests.approve((await waiting()).id, ALICE)
  const deny = async () => requests.deny((await waiting()).id, 'alice')
  return { test, till, client_secret, people, notified, requests, send, ask, begin, poll, waiting, approve, deny }
}

/** A till that publishes its key on its host, and signs its requests with it: `outbound` is what the server finds there. */
export async function requestSigner() {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const body = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }] })
  const metadata = { jwks_uri: 'https://client.example.com/jwks', backchannel_authentication_request_signing_alg: 'ES256' as const }
  const outbound = async () => ({ status: 200, headers: new Headers(), contentType: 'application/json', body })
  const sign = (now: number, params: Record<string, unknown>) => {
    const claims = { iss: TILL.client_id, aud: ISSUER, iat: now, nbf: now, exp: now + 60, jti: 'j1', ...params }
    return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'k' }).sign(privateKey)
  }
  return { metadata, outbound, sign }
}
