import { connect, type Socket } from 'node:net'
import type { Form } from '../workloads/plan.ts'

export interface Answer {
  status: number
  /** Status line and header fields. */
  head: string
  body: string
}

/** One connection that is kept, with one request at a time on it. A plain socket: what the generator costs must not be what is measured. */
export class Connection {
  readonly #socket: Socket
  readonly #host: string
  #received = ''
  #settle: { resolve(answer: Answer): void; reject(error: Error): void } | undefined

  private constructor(socket: Socket, port: number) {
    this.#socket = socket
    this.#host = `127.0.0.1:${port}`
    socket.setEncoding('latin1').setNoDelay()
    socket.on('data', (text: string) => this.#receive(text))
    socket.on('error', (error) => this.#settle?.reject(error))
    socket.on('close', () => this.#settle?.reject(new Error('the contender closed the connection')))
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new Connection(socket, port)))
      socket.on('error', reject)
    })
  }

  get(path: string, headers = ''): Promise<Answer> {
    return this.#send(`GET ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n${headers}\r\n`)
  }

  post({ path, headers, body }: Form, added = ''): Promise<Answer> {
    const length = body.length + added.length
    return this.#send(`POST ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n${headers}content-length: ${length}\r\n\r\n${body}${added}`)
  }

  close(): void {
    this.#settle = undefined
    this.#socket.destroy()
  }

  #send(request: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.#socket.write(request, 'latin1')
    })
  }

  #receive(text: string): void {
    this.#received += text
    const end = this.#received.indexOf('\r\n\r\n')
    if (end === -1) return
    const head = this.#received.slice(0, end + 2)
    const body = bodyOf(head, this.#received.slice(end + 4))
    if (body === undefined) return
    this.#received = ''
    this.#settle?.resolve({ status: Number(head.slice(9, 12)), head, body })
  }
}

/** The value of a header field; empty, if it is not there. */
export function field({ head }: Answer, name: string): string {
  const start = head.toLowerCase().indexOf(`\r\n${name}:`)
  return start === -1 ? '' : head.slice(start + name.length + 3, head.indexOf('\r\n', start + 2)).trim()
}

/** Undefined: not all of it has come. */
function bodyOf(head: string, rest: string): string | undefined {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length !== undefined) return rest.length < Number(length) ? undefined : rest
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return rest
  return rest.endsWith('0\r\n\r\n') ? withoutChunks(rest) : undefined
}

function withoutChunks(rest: string): string {
  let body = ''
  for (let start = 0; ; ) {
    const line = rest.indexOf('\r\n', start)
    const size = Number.parseInt(rest.slice(start, line), 16)
    if (size === 0) return body
    body += rest.slice(line + 2, line + 2 + size)
    start = line + 4 + size
  }
}
