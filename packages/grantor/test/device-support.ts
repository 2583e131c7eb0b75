import {
  type AuthorizationServerOptions,
  DEVICE_GRANT_TYPE,
  type DeviceAuthorizationOptions,
  deviceAuthorization,
  type NewClient
} from '../src/index.ts'
import { ISSUER, START, TestServer } from './support.ts'

export const TV = {
  client_id: 'tv',
  client_name: 'TV <b>Box</b>',
  token_endpoint_auth_method: 'none',
  grant_types: [DEVICE_GRANT_TYPE, 'refresh_token'],
  scope: 'read write'
}

export interface Codes {
  device_code: string
  user_code: string
  verification_uri: string
  verification_uri_complete: string
  expires_in: number
  interval: number
}

/** A person at a browser: who is signed in there, and the page it shows. */
export class Person {
  readonly #test: TestServer
  session: TestServer['session']
  status = 0
  page = ''
  headers = new Headers()

  constructor(test: TestServer, subject: string | undefined, id = `session of ${subject}`) {
    this.#test = test
    this.session = subject === undefined ? undefined : { id, subject, authTime: START - 10, acr: 'silver', amr: ['pwd'] }
  }

  async open(path: string): Promise<this> {
    return this.#take(() => this.#test.fetch(path))
  }

  /** Sends the form of the page. */
  async submit(fields: Record<string, string>, headers: Record<string, string> = {}): Promise<this> {
    return this.#take(() => this.#test.post('/device', { ...this.hidden(), ...fields }, headers))
  }

  /** Types the code and goes on. */
  async enter(user_code: string): Promise<this> {
    return (await this.open('/device')).submit({ user_code })
  }

  async approve(codes: Pick<Codes, 'user_code'>): Promise<this> {
    return (await this.enter(codes.user_code)).submit({ decision: 'approve' })
  }

  async deny(codes: Pick<Codes, 'user_code'>): Promise<this> {
    return (await this.enter(codes.user_code)).submit({ decision: 'deny' })
  }

  hidden(): Record<string, string> {
    const inputs = [...this.page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)]
    return Object.fromEntries(inputs.map(([, name = '', value = '']) => [name, value]))
  }

  async #take(send: () => Promise<Response>): Promise<this> {
    this.#test.session = this.session
    const response = await send()
    this.status = response.status
    this.headers = response.headers
    this.page = await response.text()
    return this
  }
}

/** A server with a TV, and a person who is signed in. */
export async function deviceServer(
  options: DeviceAuthorizationOptions = {},
  { metadata = {}, extensions = [], ...server }: Partial<AuthorizationServerOptions> & { metadata?: NewClient } = {}
) {
  const test = new TestServer({ ...server, extensions: [deviceAuthorization(options), ...extensions] })
  const tv = await test.server.clients.create({ ...TV, ...metadata })
  const ask = (params: Record<string, string> | string = {}, headers: Record<string, string> = {}) =>
    test.post('/device_authorization', typeof params === 'string' ? params : { client_id: 'tv', ...params }, headers)
  const begin = async (params: Record<string, string> = {}): Promise<Codes> => (await ask(params, { 'user-agent': 'TV/1.0' })).json()
  const poll = (device_code: string, params: Record<string, string> = {}) =>
    test.token(tv, { grant_type: DEVICE_GRANT_TYPE, device_code, ...params })
  return { test, tv, ask, begin, poll, alice: new Person(test, 'alice'), issuer: ISSUER }
}
