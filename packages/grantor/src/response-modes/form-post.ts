import { escapeHtml, type HttpResponse, html, withOpener } from '../http.ts'
import type { Params } from '../params.ts'
import { ResponseModeBase } from './base.ts'

const SCRIPT = 'document.forms[0].submit()'
// The hash of exactly that script; a test computes it again.
const SCRIPT_HASH = 'sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE='

/** Parameters in a form that the browser posts (OAuth 2.0 Form Post Response Mode §2); a button does it where scripts do not run. */
export class FormPostResponseMode extends ResponseModeBase {
  readonly responseMode: string = 'form_post'

  respond(redirectUri: string, params: Params): HttpResponse {
    const inputs = [...params.names()].map(
      (name) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(params.get(name) ?? '')}">`
    )
    const body = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Continue</title></head>
<body><form method="post" action="${escapeHtml(redirectUri)}">${inputs.join('')}<button type="submit">Continue</button></form>
<script>${SCRIPT}</script></body></html>
`
    // No form-action: browsers apply it to every redirect that follows the post, which would stop the client's own.
    return withOpener(html(200, body, `script-src '${SCRIPT_HASH}'`))
  }
}
