import { escapeHtml, type HttpResponse, html } from '../../http.ts'
import type { DeviceDecision, DeviceQuestion, UserCodeQuestion } from '../../interactions/base.ts'
import { grantedDetails } from '../../models/authorization-detail.ts'
import { plainLine } from '../../models/plain-line.ts'

const FAULTS: Readonly<Record<NonNullable<UserCodeQuestion['fault']>, string>> = {
  unknown: 'This code is wrong, was used, or has expired.',
  too_many: 'Too many wrong codes. Wait a while, then try again.'
}

/** What a person sees where the integrator has no page of their own. */
export function enterPage({ action, fields, userCode = '', fault }: UserCodeQuestion): HttpResponse {
  const alarm = fault ? `<p role="alert">${FAULTS[fault]}</p>` : ''
  return page(
    'Connect a device',
    `${alarm}<form method="post" action="${escapeHtml(action)}">${hidden(fields)}<label for="user_code">The code that your device shows</label>
<input id="user_code" name="user_code" value="${escapeHtml(userCode)}" autocomplete="off" autocapitalize="characters" spellcheck="false" required>
<button type="submit" id="device-continue">Continue</button></form>`
  )
}

export function confirmPage({
  client,
  scope,
  details,
  userCode,
  address,
  userAgent,
  requestedAt,
  action,
  fields
}: DeviceQuestion): HttpResponse {
  const origin = [address, userAgent, new Date(requestedAt * 1000).toUTCString()].filter((part) => part !== undefined)
  // RFC 9396 §3.1: what a person is asked is "the merged set of requirements".
  const asked = [...scope, ...grantedDetails({ details }).map((detail) => plainLine(JSON.stringify(detail)))]
  const buttons = ['approve', 'deny'].map(
    (decision) => `<button type="submit" id="device-${decision}" name="decision" value="${decision}">${LABELS[decision]}</button>`
  )
  return page(
    'Compare the code',
    `<p>Does your device show <strong>${escapeHtml(userCode)}</strong>? Only continue if you started this on a device in front of you.</p>
<p>${escapeHtml(client.client_name ?? client.client_id)} asks for: ${escapeHtml(asked.join(', ') || 'nothing but your consent')}</p>
<p>Requested from: ${escapeHtml(origin.join(', '))}</p>
<form method="post" action="${escapeHtml(action)}">${hidden(fields)}${buttons.join('')}</form>`
  )
}

const LABELS: Readonly<Record<string, string>> = { approve: 'Allow', deny: 'Deny' }

export function decidedPage({ approved }: DeviceDecision): HttpResponse {
  const title = approved ? 'Your device is connected' : 'Your device was refused'
  return page(title, '<p>Go on at the device. You can close this page.</p>')
}

function hidden(fields: Readonly<Record<string, string>>): string {
  const inputs = Object.entries(fields).map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`
  )
  return inputs.join('')
}

function page(title: string, content: string): HttpResponse {
  return html(
    200,
    `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title></head>
<body><h1>${title}</h1>${content}</body></html>
`
  )
}
