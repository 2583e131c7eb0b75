import { escapeHtml, type HttpResponse, html, withOpener } from '../../../http.ts'
import type { LoggedOut, LogoutQuestion } from '../../../interactions/base.ts'

/** What a person sees where the integrator has no page of their own. */
export function confirmPage({ action, fields }: LogoutQuestion): HttpResponse {
  const inputs = Object.entries(fields).map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`
  )
  return withOpener(
    html(
      200,
      page(
        'Sign out',
        `<p>Do you want to sign out? To stay signed in, close this page.</p>
<form method="post" action="${escapeHtml(action)}">${inputs.join('')}<button type="submit" id="logout-confirm">Sign out</button></form>`
      )
    )
  )
}

export function loggedOutPage({ continueTo, frames, csp }: LoggedOut): HttpResponse {
  const onward = continueTo === undefined ? '' : `<p><a id="logout-continue" href="${escapeHtml(continueTo)}">Continue</a></p>`
  const hidden = frames.map((url) => `<iframe src="${escapeHtml(url)}" title="Signing out" hidden></iframe>`)
  return withOpener(html(200, page('You are signed out', `${onward}${hidden.join('')}`), csp))
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title></head>
<body><h1>${title}</h1>${content}</body></html>
`
}
