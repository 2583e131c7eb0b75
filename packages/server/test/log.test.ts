import { expect, test } from 'vitest'
import { createLog } from '../src/log.ts'

test('an error is logged with what explains it, and no password', async () => {
  const lines: string[] = []
  const log = createLog('error', { write: (line) => void lines.push(line) })
  const url = 'postgres://grantor:canary@db.internal/grantor'
  const cause = Object.assign(new Error(`cannot reach ${url}`), { code: 'ECONNREFUSED', input: url })
  log.error({ event: 'request.failed', error: 'server_error', cause: new TypeError('wrapped', { cause }) })
  expect(lines.join()).not.toContain('canary')
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    error: 'server_error',
    cause: {
      type: 'TypeError',
      message: 'wrapped',
      cause: {
        type: 'Error',
        message: 'cannot reach postgres://grantor:…@db.internal/grantor',
        code: 'ECONNREFUSED',
        stack: expect.any(String)
      }
    }
  })
})
