import { describe, expect, test } from 'vitest'
import { deviceServer, Person } from './device-support.ts'
import { expectTokenError, ISSUER, START } from './support.ts'

async function ready(...rest: Parameters<typeof deviceServer>) {
  const all = await deviceServer(...rest)
  const bob = new Person(all.test, 'bob')
  const guest = new Person(all.test, undefined)
  return { ...all, bob, guest, codes: await all.begin({ scope: 'read' }) }
}

const status = async (server: Awaited<ReturnType<typeof ready>>) => (await (await server.poll(server.codes.device_code)).json()).error

describe('the pages for people (RFC 8628 §3.3)', () => {
  test('enter the code, compare, allow: the device is told', async () => {
    const { test, codes, poll, alice } = await ready()
    await alice.open('/device')
    expect([alice.status, alice.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(alice.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    await alice.submit({ user_code: codes.user_code })
    expect([alice.status, alice.page]).toEqual([200, expect.stringContaining(codes.user_code)])
    await alice.submit({ decision: 'approve' })
    expect([alice.status, alice.page]).toEqual([200, expect.stringContaining('Your device is connected')])
    expect((await poll(codes.device_code)).status).toBe(200)
    expect(test.eventsOf('authorization.decided')).toMatchObject([{ kind: 'device_code', outcome: 'approved', subject: 'alice' }])
  })

  test('who is not signed in signs in on the usual page, for the device, and goes on where they were', async () => {
    const { test, codes, poll, guest } = await ready()
    await guest.enter(codes.user_code)
    expect(guest.page).toBe('page login')
    const [{ id, client, scope, returnTo, redirectUri } = expect.fail('nobody was asked')] = test.prompts
    expect([client.client_id, scope, redirectUri]).toEqual(['tv', ['read'], ISSUER])
    expect(returnTo).toBe(`${ISSUER}/device?user_code=${codes.user_code}`)
    expect(test.eventsOf('interaction.started')).toMatchObject([
      { clientId: 'tv', interactionId: id, prompt: 'login', reason: 'no_session' }
    ])
    guest.session = { id: 's2', subject: 'carol', authTime: START }
    await guest.open(returnTo)
    expect(guest.page).toContain('Compare the code')
    await guest.submit({ decision: 'approve' })
    const { access_token } = await (await poll(codes.device_code)).json()
    expect((await test.server.tokens.find(access_token))?.token.sub).toBe('carol')
  })

  test('that sign-in is no authorization request: the authorization endpoint goes nowhere with it', async () => {
    const { test, codes, guest } = await ready()
    await guest.enter(codes.user_code)
    const response = await test.fetch(`/authorize?interaction=${test.prompts[0]?.id}`)
    expect([response.status, response.headers.get('location')]).toEqual([400, null])
  })

  test('DV-13 RFC 8628 §5.4: whatever the person allowed before, they are asked, also for software of the operator', async () => {
    const { begin, poll, alice } = await ready({}, { metadata: { require_consent: false } })
    for (const _ of [1, 2]) {
      const codes = await begin({ scope: 'read' })
      await alice.enter(codes.user_code)
      expect(alice.page).toContain('Compare the code')
      await expectTokenError(await poll(codes.device_code), 400, 'authorization_pending')
      await alice.submit({ decision: 'approve' })
      expect((await poll(codes.device_code)).status).toBe(200)
    }
  })

  test('DV-14 §5.4: they show who asks, for what, from where and when, and say when to stop; to deny is as easy as to allow', async () => {
    const { test, alice } = await ready()
    const body = 'client_id=tv&scope=read+write'
    const headers = new Headers({ 'content-type': 'application/x-www-form-urlencoded', 'user-agent': 'TV/1.0 <script>' })
    const remote = { address: '192.0.2.7' }
    const request = { method: 'POST', url: '/device_authorization', headers, remote, body: async () => body }
    const { user_code } = JSON.parse((await test.server.respond(request))?.body ?? '')
    await alice.enter(user_code)
    for (const shown of [
      'TV &#60;b&#62;Box',
      'read, write',
      user_code,
      '192.0.2.7',
      'TV/1.0 &#60;script&#62;',
      'Fri, 15 Jan 2027 08:00:00 GMT'
    ])
      expect(alice.page).toContain(shown)
    expect(alice.page).toContain('Only continue if you started this on a device in front of you.')
    const buttons = alice.page.match(/<button[^>]*>/g)?.map((button) => button.replaceAll(/approve|deny/g, ''))
    expect(buttons).toEqual([buttons?.[0], buttons?.[0]])
  })

  test('pages of your own take their place', async () => {
    const page = (body: string) => ({ status: 200, headers: {}, body })
    const interactions = {
      session: async () => server.test.session,
      prompt: async () => page('login'),
      enterUserCode: async (question: object) => page(JSON.stringify(question)),
      confirmDevice: async (question: object) => page(JSON.stringify(question)),
      deviceDecided: async (decision: object) => page(JSON.stringify(decision))
    }
    const server: Awaited<ReturnType<typeof ready>> = await ready({}, { interactions })
    const { alice, codes } = server
    await alice.open('/device?user_code=wdjb')
    const entered = { action: `${ISSUER}/device`, userCode: 'wdjb', fields: { confirmation: expect.any(String) } }
    expect([alice.status, JSON.parse(alice.page)]).toEqual([400, { ...entered, fault: 'unknown' }])
    await alice.open(codes.verification_uri_complete)
    const { fields, ...question } = JSON.parse(alice.page)
    expect(question).toMatchObject({
      ...{ session: alice.session, client: { client_id: 'tv' }, scope: ['read'], details: {}, userCode: codes.user_code },
      ...{ userAgent: 'TV/1.0', requestedAt: START, expiresAt: START + 300, action: `${ISSUER}/device` }
    })
    await alice.submit({ ...fields, decision: 'deny' })
    expect(JSON.parse(alice.page)).toMatchObject({ client: { client_id: 'tv' }, approved: false })
  })
})

describe('whose code it is', () => {
  test('DV-06 the first who enters it decides; anybody else sees that it is in use, and decides nothing', async () => {
    const server = await ready()
    const { codes, alice, bob, poll, test } = server
    await bob.enter(codes.user_code)
    await alice.open(codes.verification_uri_complete)
    expect([alice.status, alice.page]).toEqual([400, expect.stringContaining('already in use')])
    await alice.enter(codes.user_code)
    expect([alice.status, alice.page]).toEqual([400, expect.stringContaining('already in use')])
    await bob.submit({ decision: 'approve' })
    const { access_token } = await (await poll(codes.device_code)).json()
    expect((await test.server.tokens.find(access_token))?.token.sub).toBe('bob')
  })

  test('DV-06 who saw the page first but did not mean it comes second', async () => {
    const { codes, alice, bob } = await ready()
    await alice.open(codes.verification_uri_complete)
    expect(alice.page).toContain('Compare the code')
    await bob.enter(codes.user_code)
    await alice.submit({ decision: 'approve' })
    expect([alice.status, alice.page]).toEqual([400, expect.stringContaining('already in use')])
  })

  test('DV-06 the form of one session is worth nothing in another, and it stays the same while one person signs in again', async () => {
    const server = await ready()
    const { codes, alice, bob } = server
    await alice.enter(codes.user_code)
    const fields = alice.hidden()
    await bob.submit({ ...fields, decision: 'approve' })
    expect(bob.status).toBe(403)
    expect(await status(server)).toBe('authorization_pending')
    alice.session = { id: 'another', sid: alice.session?.id ?? '', subject: 'alice', authTime: START }
    await alice.approve(codes)
    expect(alice.page).toContain('Your device is connected')
  })

  test('DV-08 a GET claims nothing and tells nobody who is not signed in whether there is such a code', async () => {
    const server = await ready()
    const { test, codes, guest, bob } = server
    const pages = ['BBBB-BBBB', codes.user_code].map(async (code) => {
      const scanner = await new Person(test, undefined).open(`/device?user_code=${code}`)
      return [scanner.status, scanner.page.replaceAll(code, '')]
    })
    const [wrong, right] = await Promise.all(pages)
    expect(right).toEqual(wrong)
    expect(test.prompts).toEqual([])
    await bob.open(codes.verification_uri_complete)
    await guest.open(codes.verification_uri_complete)
    const record = await test.server.store.artifacts.list<{ claimedBy: string; status: string }>('device_code', { limit: 9 }, test.now)
    expect(record.map(({ value }) => [value.claimedBy, value.status])).toEqual([['', 'pending']])
    expect(await status(server)).toBe('authorization_pending')
  })
})

describe('DV-07 only our own forms do anything', () => {
  test('a GET never approves', async () => {
    const server = await ready()
    const { codes, alice } = server
    await alice.enter(codes.user_code)
    await alice.open(`/device?${new URLSearchParams({ ...alice.hidden(), decision: 'approve' })}`)
    expect(alice.page).toContain('Compare the code')
    expect(await status(server)).toBe('authorization_pending')
  })

  test.each([
    [{ origin: 'https://evil.example' }],
    [{ origin: 'null' }],
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ origin: 'null', 'sec-fetch-site': 'same-site' }]
  ] as Record<string, string>[][])('a form from elsewhere (%j) neither approves nor claims', async (headers = {}) => {
    const server = await ready()
    const { test, codes, alice } = server
    await alice.enter(codes.user_code)
    await alice.submit({ decision: 'approve' }, headers)
    expect(alice.status).toBe(403)
    expect(await status(server)).toBe('authorization_pending')
    const other = await server.begin()
    await alice.open('/device')
    await alice.submit({ user_code: other.user_code }, headers)
    const records = await test.server.store.artifacts.list<{ claimedBy: string }>('device_code', { limit: 9 }, test.now)
    expect(records.map(({ value }) => value.claimedBy).sort()).toEqual(['', alice.session?.id])
  })

  test.each([['missing'], ['of the other form'], ['of another code']])('a form whose token is %s does not approve', async (which) => {
    const server = await ready()
    const { codes, alice } = server
    await alice.enter(codes.user_code)
    const { confirmation: own = '' } = alice.hidden()
    const entry = (await alice.open('/device')).hidden()
    const other = await server.begin()
    await alice.enter(other.user_code)
    const confirmation = { missing: '', 'of the other form': entry['confirmation'] ?? '', 'of another code': own }[which] ?? ''
    await alice.submit({ decision: 'approve', confirmation })
    expect(alice.status).toBe(403)
    await expectTokenError(await server.poll(other.device_code), 400, 'authorization_pending')
  })

  test('a form of a page with no referrer, as ours are, is one of ours', async () => {
    const { codes, alice } = await ready()
    await alice.enter(codes.user_code)
    await alice.submit({ decision: 'approve' }, { origin: 'null', 'sec-fetch-site': 'same-origin' })
    expect(alice.page).toContain('Your device is connected')
  })
})

describe('DV-09 what people type', () => {
  const disguises: [string, (code: string) => string][] = [
    ['lower case', (code) => code.toLowerCase()],
    ['no dash', (code) => code.replace('-', '')],
    ['blanks and tabs', (code) => ` ${code.split('').join('\t ')}\n`],
    ['other dashes', (code) => code.replace('-', '–—−‐_')],
    ['full width', (code) => code.replace(/[A-Z]/g, (letter) => String.fromCodePoint((letter.codePointAt(0) ?? 0) + 0xfee0))],
    ['what cannot be seen', (code) => code.replace('-', '\u200b\u00ad\ufeff')]
  ]
  test.each(disguises)('%s is the same code', async (_, disguise) => {
    const { codes, alice } = await ready()
    await alice.enter(disguise(codes.user_code))
    expect(alice.page).toContain('Compare the code')
    expect(alice.page).toContain(codes.user_code)
  })

  test.each([
    ['markup', '<script>alert(1)</script>'],
    ['vowels and digits', 'O0A1-E5I1'],
    ['other alphabets', 'ВСDF-GHJK'],
    ['too short', 'BCDF-GHJ'],
    ['too long', 'BCDF-GHJKL'],
    ['10 KiB', 'B'.repeat(10_240)],
    ['a letter with an accent', 'ḂCDF-GHJK'],
    ['half a surrogate pair', 'BCDF-GHJK\ufffd']
  ])('%s is no code; it is shown again as text, shortened, and costs no guess', async (_, typed) => {
    const { test, codes, alice } = await ready()
    for (let times = 0; times < 7; times++) await alice.enter(typed)
    expect([alice.status, alice.page]).toEqual([400, expect.stringContaining('This code is wrong, was used, or has expired.')])
    expect(alice.page).not.toContain('<script>')
    expect(alice.page.length).toBeLessThan(2000)
    await alice.enter(codes.user_code)
    expect(alice.page).toContain('Compare the code')
    expect(test.eventsOf('request.failed')).toEqual([])
  })

  test('a code that comes twice is refused', async () => {
    const { alice } = await ready()
    await alice.open('/device?user_code=BCDF-GHJK&user_code=BCDF-GHJL')
    expect([alice.status, alice.page]).toEqual([400, expect.stringContaining('Device not connected')])
  })
})

describe('DV-10 a decision is final', () => {
  test.each([
    ['approve', 'approve'],
    ['approve', 'deny'],
    ['deny', 'approve']
  ] as const)('%s, then %s: a page with 400, and what was first stays', async (first, second) => {
    const { codes, alice, poll } = await ready()
    await alice.enter(codes.user_code)
    const fields = alice.hidden()
    await alice.submit({ decision: first })
    await alice.submit({ ...fields, decision: second })
    expect([alice.status, alice.page]).toEqual([400, expect.stringContaining('decided before')])
    expect((await poll(codes.device_code)).status).toBe(first === 'approve' ? 200 : 400)
  })

  test('approve after expiry, which the device was told of', async () => {
    const { test, codes, alice, poll } = await ready()
    await alice.enter(codes.user_code)
    test.now += 300
    await expectTokenError(await poll(codes.device_code), 400, 'expired_token')
    await alice.submit({ decision: 'approve' })
    expect([alice.status, alice.page]).toEqual([400, expect.stringContaining('not in time')])
    await expectTokenError(await poll(codes.device_code), 400, 'expired_token')
    expect(await test.server.store.grants.list({ subject: 'alice' }, test.now)).toEqual([])
  })

  test('something else than approve or deny is nothing, and nor is a decision after the session ended', async () => {
    const server = await ready()
    const { codes, alice } = server
    await alice.enter(codes.user_code)
    const fields = alice.hidden()
    await alice.submit({ decision: 'perhaps' })
    expect(alice.status).toBe(400)
    alice.session = undefined
    await alice.submit({ ...fields, decision: 'approve' })
    expect([alice.status, alice.page]).toEqual([200, expect.stringContaining('Connect a device')])
    expect(await status(server)).toBe('authorization_pending')
  })

  test('a code that was used, has expired, or whose client is gone is as good as unknown', async () => {
    const { test, codes, begin, alice, bob } = await ready()
    await alice.approve(codes)
    const [expired, orphan] = [await begin(), await begin()]
    for (const [code, prepare] of [
      [codes, () => undefined],
      [orphan, () => test.server.clients.update('tv', { disabled: true })],
      [expired, () => (test.now += 300)]
    ] as const) {
      await prepare()
      test.now += 1
      await bob.enter(code.user_code)
      expect([bob.status, bob.page]).toEqual([400, expect.stringContaining('This code is wrong, was used, or has expired.')])
    }
  })
})

describe('DV-05 guesses', () => {
  const guess = (person: Person, n: number) => person.enter(`BBBB-BBB${'BCDFGHJKLMNPQRSTVWXZ'[n % 20]}`)
  const guessedTooOften = async (person: Person) => {
    await guess(person, 0)
    return person.status === 429
  }

  test('five wrong codes in a session, then 429 for 15 minutes, for right ones too; somebody else goes on', async () => {
    const { test, codes, alice, bob } = await ready()
    for (let n = 0; n < 5; n++) expect((await guess(alice, n)).status).toBe(400)
    await alice.enter(codes.user_code)
    expect([alice.status, alice.headers.get('retry-after'), alice.page]).toEqual([
      429,
      '900',
      expect.stringContaining('Too many wrong codes')
    ])
    expect(test.eventsOf('user_code.refused')).toMatchObject([
      ...Array.from({ length: 5 }, () => ({ reason: 'unknown', subject: 'alice' })),
      { reason: 'too_many', subject: 'alice' }
    ])
    await bob.enter(codes.user_code)
    expect(bob.page).toContain('Compare the code')
    test.now += 900
    expect((await guess(alice, 0)).status).toBe(400)
  })

  test('ten of one person in an hour, in however many sessions', async () => {
    const { test } = await ready()
    const person = (n: number) => new Person(test, 'mallory', `session ${n}`)
    for (let n = 0; n < 10; n++) await guess(person(n), n)
    test.now += 1800
    expect(await guessedTooOften(person(11))).toBe(true)
    test.now += 1800
    expect(await guessedTooOften(person(12))).toBe(false)
  })

  test('twenty of one network in 15 minutes, whoever is signed in; an IPv6 network is one', async () => {
    const { test } = await ready()
    const from = async (address: string, n: number) => {
      const headers = new Headers()
      const request = { method: 'GET', url: `/device?user_code=BBBB-BBB${'BCDFGHJKLMNPQRSTVWXZ'[n % 20]}`, headers, body: async () => '' }
      test.session = { id: `s${n}`, subject: `person ${n}`, authTime: START }
      return (await test.server.respond({ ...request, remote: { address } }))?.status
    }
    for (let n = 0; n < 20; n++) expect(await from(`2001:db8::${n}`, n)).toBe(400)
    expect(await from('2001:db8::ffff', 21)).toBe(429)
    expect(await from('2001:db8:0:1::1', 22)).toBe(400)
  })

  test('five hundred of everybody who is signed in within five minutes; strangers have their own', async () => {
    const { test, codes, guest } = await ready()
    let n = 0
    const next = async () => {
      const headers = new Headers()
      const request = { method: 'GET', url: '/device?user_code=BBBB-BBBB', headers, body: async () => '' }
      test.session = { id: `s${n}`, subject: `person ${n}`, authTime: START }
      return (await test.server.respond({ ...request, remote: { address: `10.0.${n >> 8}.${n++ & 255}` } }))?.status
    }
    for (let times = 0; times < 500; times++) expect(await next()).toBe(400)
    expect(await next()).toBe(429)
    expect((await guest.enter(codes.user_code)).page).toBe('page login')
    test.now += 300
    expect(await next()).toBe(400)
  })

  test('many at once count, too', async () => {
    const { test } = await ready()
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        test.session = { id: 's', subject: 'mallory', authTime: START }
        return (await test.fetch(`/device?user_code=BBBB-BBB${'BCDFGHJKLMNPQRSTVWXZ'[n]}`)).status
      })
    )
    expect(statuses.filter((one) => one === 400)).toHaveLength(5)
  })

  test('right codes cost nothing', async () => {
    const { codes, alice } = await ready()
    for (let times = 0; times < 20; times++) expect((await alice.enter(codes.user_code)).status).toBe(200)
  })
})
