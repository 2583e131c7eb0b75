import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { TemporarilyUnavailableError } from 'grantor'

const derive = promisify(argon2)

// RFC 9106 §4 and the OWASP minimum: 19 MiB, two passes, one lane: one hash occupies one thread.
const PARAMETERS = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 }
const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/
/** Characters (NIST SP 800-63B §3.1.1.2). */
export const MIN_PASSWORD = 8
/** Bytes; longer ones are refused before they cost anything. */
export const MAX_PASSWORD = 1024
// libuv has four threads, and looking up names needs one too.
const CONCURRENT = 2
const MAX_WAITING = 64

let running = 0
const waiting: (() => void)[] = []

/** The password as a PHC string, with argon2id (RFC 9106). @throws TemporarilyUnavailableError if too many wait. */
export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(16)
  const { memory: m, passes: t, parallelism: p } = PARAMETERS
  const tag = await limited(() => derive('argon2id', { message: password.normalize('NFC'), nonce, ...PARAMETERS }))
  return `$argon2id$v=19$m=${m},t=${t},p=${p}$${unpadded(nonce)}$${unpadded(tag)}`
}

/** Whether it is the password. @throws TemporarilyUnavailableError if too many wait. */
export async function verifyPassword(phc: string, password: string): Promise<boolean> {
  const [, m, t, p, salt = '', expected = ''] = PHC.exec(phc) ?? []
  const tag = Buffer.from(expected, 'base64')
  if (tag.length === 0 || Buffer.byteLength(password) > MAX_PASSWORD) return false
  const parameters = {
    memory: Number(m),
    passes: Number(t),
    parallelism: Number(p),
    tagLength: tag.length,
    nonce: Buffer.from(salt, 'base64')
  }
  return timingSafeEqual(await limited(() => derive('argon2id', { message: password.normalize('NFC'), ...parameters })), tag)
}

/** The memory of one process is shared, so the limit is its, too. */
async function limited<T>(work: () => Promise<T>): Promise<T> {
  if (running >= CONCURRENT) {
    if (waiting.length >= MAX_WAITING)
      throw new TemporarilyUnavailableError('too many sign-ins at once; try again in a moment', { retryAfter: 2 })
    await new Promise<void>((resolve) => waiting.push(resolve))
  }
  running++
  try {
    return await work()
  } finally {
    running--
    waiting.shift()?.()
  }
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}
