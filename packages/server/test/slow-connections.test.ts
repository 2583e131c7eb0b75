import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type GrantorServer, parseConfig } from '../src/index.ts'
import { startServer } from './support.ts'

const HEAD = 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n'

let server: GrantorServer | undefined
afterEach(() => server?.close())

/** A server that gives up so early; what is not said stays far away. Milliseconds. */
async function ready(timeouts: Partial<Record<'headers' | 'request' | 'answer' | 'idle', number>>) {
  const started = await startServer({ host: '127.0.0.1', timeouts: { request: 60_000, idle: 60_000, ...timeouts } })
  server = started.server
  const { host, port } = new URL(started.issuer)
  const open = async () => {
    const socket = connect(Number(port), '127.0.0.1').on('error', () => {})
    await once(socket, 'connect')
    return socket
  }
  const isWell = async () => (await fetch(`${started.issuer}/livez`)).status === 200
  return { host, open, isWell }
}

/** Not `once` of node:events, which rejects when the connection is reset. */
function closing(socket: Socket): Promise<unknown> {
  return socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once('close', resolve))
}

/** What came back until the server closed the connection. */
async function end(socket: Socket): Promise<string> {
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk.toString('latin1')
  })
  await closing(socket)
  return answer
}

/** Sends a byte now and again, until the connection is closed. */
function trickle(sockets: readonly Socket[], byte: string): void {
  const writing = setInterval(() => {
    const open = sockets.filter(({ writable }) => writable)
    for (const socket of open) socket.write(byte)
    if (open.length === 0) clearInterval(writing)
  }, 20)
}

/** Half of the descriptors that this process may have: each connection has two ends here. */
function affordable(most: number): number {
  const limit = Number(execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }))
  return Number.isNaN(limit) ? most : Math.min(most, Math.floor((limit - 1000) / 2))
}

describe('IN-12 the server gives up', () => {
  test.each([
    ['sends half of the headers', 'POST /token HTTP/1.1\r\n', undefined],
    ['sends a header byte by byte', 'POST /token HTTP/1.1\r\nX-Slow: ', 'a'],
    ['sends nothing', '', undefined]
  ])('whoever %s', async (_, text, byte) => {
    const { open } = await ready({ headers: 400 })
    const sockets = await Promise.all(Array.from({ length: 50 }, open))
    const answers = sockets.map(end)
    for (const socket of sockets) socket.write(text)
    if (byte !== undefined) trickle(sockets, byte)
    // Whoever still sends when the connection ends may find it reset before the answer.
    for (const answer of await Promise.all(answers)) expect(['HTTP/1.1 408', '']).toContain(answer.slice(0, 12))
  })

  test.each([
    ['sends a body byte by byte', 'a'],
    ['sends no body', undefined],
    ['IN-26 waits for 100 Continue, and never goes on', undefined, 'Expect: 100-continue\r\n']
  ])('whoever %s', async (_, byte, header = '') => {
    const { host, open } = await ready({ headers: 400, request: 400 })
    const sockets = await Promise.all(Array.from({ length: 50 }, open))
    const answers = sockets.map(end)
    for (const socket of sockets) socket.write(`POST /token HTTP/1.1\r\nHost: ${host}\r\n${header}${HEAD}`)
    if (byte !== undefined) trickle(sockets, byte)
    for (const answer of await Promise.all(answers))
      expect(['HTTP/1.1 408', '']).toContain(answer.replace('HTTP/1.1 100 Continue\r\n\r\n', '').slice(0, 12))
  })

  test('whoever asks for nothing more', async () => {
    const { host, open } = await ready({ idle: 100 })
    const socket = await open()
    socket.write(`GET /livez HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    expect(await end(socket)).toMatch(/^HTTP\/1\.1 200 /)
  })

  test.each([
    ['takes no answer', false],
    ['takes an answer byte by byte', true]
  ])('whoever %s', async (_, reads) => {
    const { host, open, isWell } = await ready({ answer: 400 })
    const socket = await open()
    socket.pause()
    const closed = closing(socket)
    const request = `GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: ${host}\r\n\r\n`
    // More than the buffers of both ends hold, so that answers wait in the server and requests in front of it.
    while (!socket.destroyed && socket.writableLength < 8 * 1024 * 1024) socket.write(request.repeat(1000))
    if (reads) {
      const reading = setInterval(() => socket.read(1), 20)
      socket.once('close', () => clearInterval(reading))
    }
    expect(await isWell()).toBe(true)
    await closed
    expect(await isWell()).toBe(true)
  })

  test('nobody else, while thousands send a byte and no more', async () => {
    const { open, isWell } = await ready({ headers: 60_000 })
    const sockets: Socket[] = []
    const most = affordable(5000)
    while (sockets.length < most) sockets.push(...(await Promise.all(Array.from({ length: Math.min(1000, most - sockets.length) }, open))))
    for (const socket of sockets) socket.write('G')
    for (let i = 0; i < 10; i++) expect(await isWell()).toBe(true)
    expect(sockets.filter(({ destroyed }) => destroyed)).toEqual([])
    await Promise.all(sockets.map((socket) => closing(socket.destroy())))
  })

  test('after ten seconds for headers, thirty for a request, sixty for an answer and five without any, if nothing else is said', () => {
    const issuer = 'http://localhost:9400'
    expect(parseConfig({ issuer }).timeouts).toEqual({ headers: 10_000, request: 30_000, answer: 60_000, idle: 5_000 })
    expect(() => parseConfig({ issuer, timeouts: { headers: 31_000 } })).toThrow(/headers is at most request/)
  })
})
