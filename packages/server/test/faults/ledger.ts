import { request } from 'node:http'
import { calculatePKCECodeChallenge } from 'oauth4webapi'

const VERIFIER = 'a-verifier-of-forty-three-characters-or-more'
const CHALLENGE = await calculatePKCECodeChallenge(VERIFIER)
const REDIRECT_URI = 'https://client.example.com/cb'

/** What a client knows of one authorization: everything that was answered, and whether its end is in doubt. */
export interface Family {
  code: string
  redeemed: boolean
  tokens: { access_token: string; refresh_token: string }[]
  /** `asked`: a revocation was sent, and no answer came. */
  revoked: 'no' | 'asked' | 'acknowledged'
}

export interface Answer {
  status: number
  headers: NodeJS.Dict<string | string[]>
  body: string
}

/** Where to send requests, and as whom. */
export interface Deployment {
  issuer: string
  ports: readonly number[]
  clientId: string
  /** Undefined: the request itself says who asks. */
  clientSecret: string | undefined
  /** Of a person who is signed in. */
  cookie: string
}

/** Many clients at once, who write down what they sent and what came back, and count what must never happen. */
export class Ledger {
  readonly families: Family[] = []
  readonly violations: string[] = []
  requests = 0
  /** Connections that broke, and 503s: what a fault may cause. */
  faults = 0
  /** Milliseconds of the request that took longest. */
  longest = 0
  readonly #deployment: Deployment
  #turn = 0
  #running = true

  constructor(deployment: Deployment) {
    this.#deployment = deployment
  }

  /** Runs mixed load until `during` has ended. */
  async load(workers: number, during: () => Promise<void>): Promise<void> {
    this.#running = true
    const all = Array.from({ length: workers }, () => this.#work())
    try {
      await during()
    } finally {
      this.#running = false
      await Promise.all(all)
    }
  }

  /** 70 % refresh, 15 % code flow, 10 % introspection, 5 % revocation. */
  async #work(): Promise<void> {
    const own: Family[] = []
    while (this.#running) {
      const live = own.filter(({ revoked, tokens }) => revoked === 'no' && tokens.length > 0)
      const family = live[Math.floor(Math.random() * live.length)]
      const dice = Math.random()
      if (!family || dice < 0.15) await this.#begin(own)
      else if (dice < 0.85) await this.#refresh(family)
      else if (dice < 0.95) await this.#introspect(family)
      else await this.#revoke(family)
    }
  }

  async #begin(own: Family[]): Promise<void> {
    const code = await this.authorize()
    if (code === undefined) return
    const family: Family = { code, redeemed: false, tokens: [], revoked: 'no' }
    this.families.push(family)
    own.push(family)
    const redeemed = await this.redeem(family.code)
    if (redeemed?.status !== 200) return
    family.redeemed = true
    family.tokens.push(JSON.parse(redeemed.body))
  }

  /** A code, if one came. */
  async authorize(): Promise<string | undefined> {
    const params = new URLSearchParams({
      client_id: this.#deployment.clientId,
      response_type: 'code',
      redirect_uri: REDIRECT_URI,
      code_challenge: CHALLENGE,
      code_challenge_method: 'S256'
    })
    const response = await this.send('GET', `/authorize?${params}`)
    const location = String(response?.headers.location ?? '')
    return (URL.canParse(location) && new URL(location).searchParams.get('code')) || undefined
  }

  redeem(code: string, port?: number): Promise<Answer | undefined> {
    return this.post('/token', { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER }, port)
  }

  refresh(refresh_token: string, port?: number): Promise<Answer | undefined> {
    return this.post('/token', { grant_type: 'refresh_token', refresh_token }, port)
  }

  revoke(token: string, port?: number): Promise<Answer | undefined> {
    return this.post('/revoke', { token }, port)
  }

  /** With the newest token; who got no answer asks with the same again, and must get the one successor. */
  async #refresh(family: Family): Promise<void> {
    const { refresh_token = '' } = family.tokens.at(-1) ?? {}
    const response = await this.refresh(refresh_token)
    if (response?.status === 200) family.tokens.push(JSON.parse(response.body))
    else if (response?.status === 400) this.violations.push(`I16 a live refresh token was refused: ${response.body}`)
  }

  async #introspect(family: Family): Promise<void> {
    const { access_token = '' } = family.tokens.at(-1) ?? {}
    const response = await this.post('/introspect', { token: access_token })
    if (response?.status === 200 && JSON.parse(response.body).active !== true)
      this.violations.push('I1 an acknowledged token is not active')
  }

  async #revoke(family: Family): Promise<void> {
    family.revoked = 'asked'
    const response = await this.revoke(family.tokens.at(-1)?.refresh_token ?? '')
    if (response?.status === 200) family.revoked = 'acknowledged'
  }

  async isActive(token: string, port: number): Promise<boolean> {
    const response = await this.post('/introspect', { token }, port)
    if (response?.status !== 200) throw new Error(`introspection answers ${response?.status} ${response?.body}`)
    return JSON.parse(response.body).active
  }

  post(path: string, form: Record<string, string>, port?: number, headers: Record<string, string> = {}): Promise<Answer | undefined> {
    return this.send('POST', path, new URLSearchParams(form).toString(), { port, headers })
  }

  /** Undefined: the connection broke. */
  async send(
    method: string,
    path: string,
    body = '',
    { port, headers = {} }: { port?: number | undefined; headers?: Record<string, string> } = {}
  ): Promise<Answer | undefined> {
    const { ports, issuer, clientId, clientSecret, cookie } = this.#deployment
    this.requests++
    const start = performance.now()
    const answer = await exchange(port ?? (ports[this.#turn++ % ports.length] as number), method, path, body, {
      host: new URL(issuer).host,
      ...(method === 'POST' && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...(method === 'POST' && clientSecret !== undefined && { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` }),
      cookie,
      ...headers
    })
    this.longest = Math.max(this.longest, Math.round(performance.now() - start))
    if (!answer || answer.status === 503) this.faults++
    if (answer && answer.status >= 400) this.#checkError(method, path, answer)
    return answer
  }

  /** I6: whoever is refused is told by a code and a request id, and never sees our insides. */
  #checkError(method: string, path: string, { status, headers, body }: Answer): void {
    const where = `${method} ${path.split('?')[0]} ${status}`
    if (status >= 500 && status !== 503) this.violations.push(`I6 ${where} ${body}`)
    if (status === 503 && headers['retry-after'] === undefined) this.violations.push(`I5 ${where} without Retry-After`)
    if (headers['x-request-id'] === undefined) this.violations.push(`I6 ${where} without a request id`)
    if (/SELECT|INSERT|node_modules|\.ts:|\.js:/.test(body)) this.violations.push(`I6 ${where} shows its insides: ${body}`)
  }
}

function exchange(port: number, method: string, path: string, body: string, headers: Record<string, string>): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const outgoing = request({ port, host: '127.0.0.1', method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('error', () => resolve(undefined))
      response.on('aborted', () => resolve(undefined))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() })
      )
    })
    outgoing.on('error', () => resolve(undefined))
    outgoing.end(body)
  })
}
