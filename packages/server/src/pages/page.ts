import { type HttpResponse, html } from 'grantor'
import type { FC } from 'hono/jsx'

// As the metadata of a client may name it: https, or on this computer.
const IMAGES = 'https: http://localhost:* http://127.0.0.1:*'

/** A page of ours: styles from here, images from where clients keep their logos, no script at all, and no hold on it for the page that opened it. `csp`: directives besides. */
export function page(status: number, body: ReturnType<FC>, csp = ''): HttpResponse {
  // No form-action: browsers apply it to the redirects that follow the form, which lead to the client.
  return html(status, `<!doctype html>${body}`, `style-src 'self'; img-src ${IMAGES}${csp && `; ${csp}`}`)
}

export function withHeaders(response: HttpResponse, headers: HttpResponse['headers']): HttpResponse {
  return { ...response, headers: { ...response.headers, ...headers } }
}
