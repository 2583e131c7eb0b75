import { describe, expect, test } from 'vitest'
import { Counts } from '../src/counts.ts'
import { expectPage, expectRedirectError, TestServer } from './support.ts'

async function ready(options = {}) {
  const test = new TestServer(options)
  await test.client({ require_consent: true })
  test.session = undefined
  const ask = (params: Record<string, string> = {}) => test.authorize({ prompt: 'none', ...params })
  const askOften = async (times: number, error = 'login_required') => {
    for (let i = 0; i < times; i++) expectRedirectError(await ask(), error)
  }
  return { test, ask, askOften }
}

describe('AP-29 a client that sends the browser back at each refusal', () => {
  test('is answered ten times in 30 seconds, and then a page ends the loop', async () => {
    const { test, ask, askOften } = await ready()
    await askOften(10)
    test.now += 10
    const stopped = await ask()
    expect(stopped.headers.get('retry-after')).toBe('20')
    expect(await expectPage(stopped, 429)).toContain('temporarily_unavailable')
    test.now += 20
    await askOften(10)
    await expectPage(await ask(), 429)
  })

  test('makes ten events and one that says it was stopped, however long it goes on', async () => {
    const { test, ask, askOften } = await ready()
    await askOften(10)
    for (let i = 0; i < 50; i++) await expectPage(await ask(), 429)
    const refused = test.eventsOf('request.refused')
    expect(refused).toHaveLength(11)
    expect(refused.at(-1)).toMatchObject({ status: 429, endpoint: 'authorization', detail: { clientId: 'app', error: 'login_required' } })
  })

  test('stops neither another application, nor another browser, nor whoever signs in', async () => {
    const { test, ask, askOften } = await ready()
    await test.client({ client_id: 'other', require_consent: false })
    await askOften(10)
    await expectPage(await ask(), 429)
    expectRedirectError(await ask({ client_id: 'other' }), 'login_required')
    expect(await (await test.authorize()).text()).toBe('page login')
    test.session = { id: 's', subject: 'alice', authTime: test.now }
    expect((await ask({ client_id: 'other' })).headers.get('location')).toContain('code=')
    test.session = undefined
    test.cookies.clear()
    await askOften(10)
  })

  test('is known by a cookie that lives as long as the count, and by no other value', async () => {
    const { test, ask } = await ready()
    const response = await ask()
    expect(response.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-grantor-browser=[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=30; Secure$/)
    ])
    expect((await ask()).headers.getSetCookie()).toEqual([])
    for (const invented of ['x', 'x'.repeat(4000), '__proto__']) {
      test.cookies.set('__Host-grantor-browser', invented)
      expect((await ask()).headers.getSetCookie()).toHaveLength(1)
    }
  })

  test.each(['query', 'form_post'])('is stopped after denials of the person, too, who was answered by %s', async (response_mode) => {
    const { test } = await ready({ authorizationRefusalLimit: 1 })
    test.session = { id: 's', subject: 'alice', authTime: test.now }
    const deny = async () => {
      await test.authorize({ response_mode })
      const { id = '', returnTo = '' } = test.prompts.at(-1) ?? {}
      const cookie = [...test.cookies].map((pair) => pair.join('=')).join('; ')
      await test.server.interactions.resolve({ method: 'POST', url: '/', headers: new Headers({ cookie }), body: async () => '' }, id, {
        denied: true
      })
      return test.fetch(returnTo)
    }
    const denied = await deny()
    expect(`${denied.headers.get('location')}${await denied.text()}`).toContain('access_denied')
    expect([...test.cookies.keys()]).toEqual(['__Host-grantor-browser'])
    await expectPage(await deny(), 429)
    expect(test.eventsOf('interaction.finished')).toHaveLength(2)
  })

  test.each(['invalid_scope', 'invalid_request'])('is answered each time where the request itself is wrong: %s', async (error) => {
    const { test } = await ready()
    const wrong = error === 'invalid_scope' ? { scope: 'unknown' } : { response_type: undefined }
    for (let i = 0; i < 30; i++) expectRedirectError(await test.authorize(wrong), error)
    expect(test.cookies.size).toBe(0)
  })

  test('is stopped where and when the setting says, or never', async () => {
    const two = await ready({ authorizationRefusalLimit: 2 })
    await two.askOften(2)
    await expectPage(await two.ask(), 429)
    const never = await ready({ authorizationRefusalLimit: 0 })
    await never.askOften(100)
    expect(never.test.cookies.size).toBe(0)
    for (const authorizationRefusalLimit of [-1, 1.5, '10'])
      expect(() => new TestServer({ authorizationRefusalLimit: authorizationRefusalLimit as number })).toThrow(
        /authorizationRefusalLimit is/
      )
  })

  test('is remembered in a bounded number of names', () => {
    const counts = new Counts(1, 30)
    for (let i = 0; i <= 10_000; i++) counts.count(`n${i}`, 1)
    expect([counts.wait('n0', 1), counts.wait('n1', 1), counts.wait('n10000', 11)]).toEqual([0, 30, 20])
  })
})
