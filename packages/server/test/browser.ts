/** As much of a browser as our pages need: cookies, redirects within the server, one form. It stops where a redirect leaves the server. */
export class Browser {
  /** Where the last redirect would have led. */
  stoppedAt: string | undefined
  readonly #cookies = new Map<string, string>()
  /** Of the page that it shows. */
  url = ''
  status = 0
  #html = ''
  readonly #fetch: typeof fetch

  /** `over`: for a server whose certificate only the test knows. */
  constructor(over: typeof fetch = fetch) {
    this.#fetch = over
  }

  async open(url: string, init: RequestInit = {}): Promise<string> {
    const headers = new Headers(init.headers)
    headers.set('cookie', this.cookie())
    const response = await this.#fetch(url, { redirect: 'manual', ...init, headers })
    for (const cookie of response.headers.getSetCookie()) {
      const [name = '', value = ''] = cookie.split(';')[0]?.split(/=(.*)/s) ?? []
      if (value === '') this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
    const location = response.headers.get('location')
    if (location !== null) {
      const next = new URL(location, url)
      if (next.origin === new URL(url).origin) return this.open(next.href)
      this.stoppedAt = next.href
    }
    this.url = url
    this.status = response.status
    this.#html = await response.text()
    return this.#html
  }

  /** Sends the page's form with its hidden fields and these. */
  submit(fields: Record<string, string>, action: string = this.url): Promise<string> {
    return this.open(new URL(action, this.url).href, {
      method: 'POST',
      body: new URLSearchParams({ ...this.fields(), ...fields }),
      headers: { origin: new URL(this.url).origin }
    })
  }

  getCookie(name: string): string | undefined {
    return this.#cookies.get(name)
  }

  setCookie(name: string, value: string): void {
    this.#cookies.set(name, value)
  }

  /** What it sends as the Cookie header. */
  cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** The hidden fields of the page. */
  fields(): Record<string, string> {
    const inputs = [...this.#html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)]
    return Object.fromEntries(
      inputs.map(([, name = '', value = '']) => [name, value.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code))])
    )
  }
}
