import type { OAuthError } from '../errors.ts'
import { escapeHtml, type HttpResponse, html, json } from '../http.ts'
import { describe } from './error-members.ts'

/** RFC 6749 §5.2 */
export function errorResponse(error: OAuthError, errorUri: string | undefined): HttpResponse {
  return json(error.status, describe(error, errorUri), error.headers)
}

/** What a person sees when the browser cannot be sent back to the application. */
export function errorPage({
  error,
  description,
  status,
  requestId
}: {
  error: string
  description: string
  status: number
  requestId: string
}): HttpResponse {
  return html(
    status,
    `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Request rejected</title></head>
<body><h1>Request rejected</h1><p>${escapeHtml(description)}</p><p><code>${escapeHtml(error)}</code> · request <code>${escapeHtml(requestId)}</code></p></body></html>
`
  )
}
