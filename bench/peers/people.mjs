// For libraries that leave people to the application: who has this cookie.
import { randomBytes } from 'node:crypto'

export class People {
  cookies = []
  #people = new Map()

  constructor(count) {
    for (let index = 0; index < count; index++) {
      const value = randomBytes(32).toString('base64url')
      this.#people.set(value, { id: `person-${index}`, name: `person-${index}`, email: `person-${index}@example.com` })
      this.cookies.push(`session=${value}`)
    }
  }

  /** The person whose cookie it is. */
  find(cookie = '') {
    return this.#people.get(/(?:^|; )session=([^;]*)/.exec(cookie)?.[1] ?? '')
  }
}

/** The parameters of the query, and of the body if there is one. */
export async function readParams(request) {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost')
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  return { pathname, query: Object.fromEntries(searchParams), body: Object.fromEntries(new URLSearchParams(body)) }
}
