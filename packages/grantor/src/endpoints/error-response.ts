import type { OAuthError } from '../errors.ts'
import { escapeHtml, type HttpResponse, html, json } from '../http.ts'
import type { ShownError } from '../interactions/base.ts'
import { describe } from './error-members.ts'

/** RFC 6749 §5.2 */
export function errorResponse(error: OAuthError, errorUri: string | undefined): HttpResponse {
  return json(error.status, describe(error, errorUri), error.headers)
}

/** What a person sees when the browser cannot be sent back to the application. */
export function errorPage({ error, description, status, requestId, heading }: ShownError): HttpResponse {
  return html(
    status,
    `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${heading}</title></head>
<body><h1>${heading}</h1><p>${escapeHtml(description)}</p><p><code>${escapeHtml(error)}</code> · request <code>${escapeHtml(requestId)}</code></p></body></html>
`
  )
}
