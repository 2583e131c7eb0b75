/** As much of a browser as signing in without a page needs: cookies, and redirects within the server. */
export class Browser {
  #cookies = new Map()

  /** Follows redirects till one leaves the server. @throws Error if none does. */
  async open(url) {
    const response = await fetch(url, { redirect: 'manual', headers: { cookie: this.cookie() } })
    for (const cookie of response.headers.getSetCookie()) {
      const [name = '', value = ''] = cookie.split(';')[0]?.split(/=(.*)/s) ?? []
      if (value === '') this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
    const location = response.headers.get('location')
    if (location === null) throw new Error(`${url}: ${response.status} ${await response.text()}`)
    const next = new URL(location, url)
    return next.origin === new URL(url).origin ? this.open(next.href) : next.href
  }

  /** What it sends as the Cookie header. */
  cookie() {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }
}
