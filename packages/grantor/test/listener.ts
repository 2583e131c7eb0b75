import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { TestCertificate } from '../../server/test/certificates.ts'

/** A server on the loopback interface that remembers who came. */
export class Listener {
  readonly requests: IncomingMessage[] = []
  readonly sockets: Socket[] = []
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket: Socket) => {
      this.sockets.push(socket)
      socket.on('error', () => {})
    })
    server.on('request', (request: IncomingMessage) => this.requests.push(request))
  }

  static http(answer: RequestListener, host = '127.0.0.1'): Promise<Listener> {
    return Listener.open(createServer(answer), host)
  }

  static https({ certificate, key }: TestCertificate, answer: RequestListener): Promise<Listener> {
    return Listener.open(createTlsServer({ cert: certificate, key }, answer))
  }

  /** Says the same to everybody, whatever they ask. */
  static raw(answer: (socket: Socket) => void): Promise<Listener> {
    return Listener.open(createTcpServer((socket) => socket.once('data', () => answer(socket))))
  }

  static async open(server: Server, host = '127.0.0.1'): Promise<Listener> {
    const listener = new Listener(server)
    server.listen(0, host)
    await once(server, 'listening')
    return listener
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get connections(): number {
    return this.sockets.length
  }

  /** The name in SNI of each request. */
  get names(): (string | false | null)[] {
    return this.requests.map(({ socket }) => (socket as TLSSocket).servername)
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** Requests that wait until the test answers them. */
export class Held {
  /** The most that ever waited at once. */
  peak = 0
  readonly #responses: ServerResponse[] = []
  readonly #waiters: ((response: ServerResponse) => void)[] = []
  #open = 0

  readonly hold: RequestListener = (_request, response) => {
    this.peak = Math.max(this.peak, ++this.#open)
    const waiter = this.#waiters.shift()
    if (waiter) waiter(response)
    else this.#responses.push(response)
  }

  next(): Promise<ServerResponse> {
    const response = this.#responses.shift()
    return response ? Promise.resolve(response) : new Promise((resolve) => this.#waiters.push(resolve))
  }

  answer(response: ServerResponse): void {
    this.#open--
    response.end('ok')
  }
}
