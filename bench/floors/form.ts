import type { IncomingMessage } from 'node:http'

/** Reads the body and takes the form apart, as little as one can. */
export function readForm(request: IncomingMessage, use: (params: URLSearchParams) => void): void {
  let body = ''
  request.setEncoding('utf8')
  request.on('data', (text: string) => {
    body += text
  })
  request.on('end', () => use(new URLSearchParams(body)))
}
