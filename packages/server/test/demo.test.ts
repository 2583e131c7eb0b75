import AxeBuilder from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import decodeQR from 'qr/decode.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDemo } from '../src/demo.ts'
import { launchChromium } from './chromium.ts'
import { type Program, startGrantor } from './process.ts'
import { freePort, startServer, temporaryFolder } from './support.ts'

describe('grantor dev', () => {
  let program: Program
  let browser: Browser
  let address: string
  let password: string
  beforeAll(async () => {
    const port = await freePort()
    program = startGrantor(['dev', '--port', String(port), '--data', temporaryFolder(), '--secrets', temporaryFolder()])
    const output = await program.says('scope=read\n')
    address = /Sign in\s+(\S+)/.exec(output)?.[1] ?? ''
    password = /Password\s+(\S+)/.exec(output)?.[1] ?? ''
    browser = await launchChromium()
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await program.signal('SIGTERM')
  })

  test.each([
    ['light', 1280],
    ['light', 360],
    ['dark', 1280],
    ['dark', 360]
  ] as const)(
    'leads from the printed link to a page with the verified ID token and userinfo, in %s at %i px',
    { timeout: 60_000 },
    async (colorScheme, width) => {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 } })
      const page = await context.newPage()
      const inspect = async (name: string) => {
        if (process.env.SCREENSHOTS)
          await page.screenshot({ path: `${process.env.SCREENSHOTS}/demo-${name}-${colorScheme}-${width}.png`, fullPage: true })
        const { violations } = await new AxeBuilder({ page }).analyze()
        expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([])
        expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
      }
      await page.goto(address)
      await page.fill('input[name=login]', 'demo')
      await page.fill('input[name=password]', password)
      await page.click('#login-submit')
      expect(await page.textContent('ul')).toContain('See your e-mail address')
      await inspect('consent')
      await page.click('#consent-allow')
      expect(await page.textContent('h1')).toBe('You are signed in')
      const rows = await page.$$eval('tr', (all) => all.map((row) => [...row.children].map((cell) => cell.textContent)))
      const shown = Object.fromEntries(rows)
      expect(shown).toMatchObject({
        iss: new URL(address).origin,
        aud: 'demo-app',
        acr: 'urn:grantor:acr:password',
        email: 'demo@example.com'
      })
      await inspect('signed-in')
      await page.click('#sign-out')
      expect(await page.textContent('h1')).toBe('Grantor is running')
      expect(await page.textContent('main')).not.toContain('You are signed in')
      await context.close()
    }
  )

  test('forgets a cookie that is not what it wrote', async () => {
    const response = await fetch(`${address}/device`, { headers: { cookie: 'grantor-demo-device=x' } })
    expect([response.status, response.headers.get('set-cookie')]).toEqual([400, expect.stringContaining('Max-Age=0')])
    expect(await response.text()).toContain('Connect')
  })

  test('shows a device whose QR code leads to its page, and which goes on when it is allowed there', { timeout: 60_000 }, async () => {
    const room = await browser.newContext({ colorScheme: 'dark', viewport: { width: 360, height: 800 } })
    const device = await room.newPage()
    const inspect = async (name: string) => {
      if (process.env.SCREENSHOTS) await device.screenshot({ path: `${process.env.SCREENSHOTS}/demo-${name}.png`, fullPage: true })
      const { violations } = await new AxeBuilder({ page: device }).analyze()
      expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([])
    }
    await device.goto(`${address}/device`)
    await inspect('device')
    const code = await device.textContent('#user-code')
    const link = await readQr(device)
    expect(link).toBe(`${new URL(address).origin}/device?user_code=${code}`)
    const context = await browser.newContext()
    const phone = await context.newPage()
    await phone.goto(link)
    await phone.click('#device-continue')
    await phone.fill('input[name=login]', 'demo')
    await phone.fill('input[name=password]', password)
    await phone.click('#login-submit')
    expect(await phone.textContent('#user-code')).toBe(code)
    await phone.click('#device-approve')
    expect(await phone.textContent('h1')).toBe('Demo device is connected')
    await device.waitForSelector('text=This device is connected')
    expect(await device.textContent('table')).toContain('demo-device')
    await inspect('device-connected')
    await context.close()
    await room.close()
  })

  /** What a camera would read off the page. */
  async function readQr(page: Page): Promise<string> {
    const image = (await page.locator('.qr').screenshot()).toString('base64')
    const blank = await browser.newPage()
    const pixels = await blank.evaluate(async (source) => {
      const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${source}`)).blob())
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')
      canvas?.drawImage(bitmap, 0, 0)
      const data = canvas?.getImageData(0, 0, bitmap.width, bitmap.height).data ?? []
      return { width: bitmap.width, height: bitmap.height, data: [...data] }
    }, image)
    await blank.close()
    return decodeQR({ ...pixels, data: Uint8Array.from(pixels.data) })
  }

  test('says so when nobody signed in', async () => {
    const page = await browser.newPage()
    await page.goto(address)
    await page.click('button[value=deny]')
    expect(await page.textContent('h1')).toBe('Nobody signed in')
    expect(await page.textContent('[role=alert]')).toBe('access_denied')
    await page.goto(`${address}/callback?code=x`)
    expect(await page.title()).toBe('Sign in')
    await page.close()
  })
})

test.each([[[]], [['demo']], [['demo', 'demo-app', 'demo-device']]])(
  'what a first start prints is right, though an earlier one was killed after it made the clients %j',
  async (made) => {
    const { server } = await startServer({ extensions: ['device_authorization'] })
    const { authorization, users } = server
    for (const client_id of made) await authorization.clients.create({ client_id, grant_types: ['client_credentials'] })
    const demo = await createDemo(server)
    expect(await users.authenticate('demo', demo?.password ?? '')).toBeDefined()
    const response = await fetch(`${authorization.settings.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`demo:${demo?.clientSecret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' })
    })
    expect([response.status, (await authorization.clients.find('demo-app'))?.client_name]).toEqual([200, 'Demo page'])
    expect(await createDemo(server)).toBeUndefined()
    await server.close()
  }
)

test('a person without whose clients a first start ended is not there: the person comes last', async () => {
  const { server } = await startServer({ extensions: ['device_authorization'] })
  const { authorization, users } = server
  const killed = { authorization, users: { findByLogin: async () => undefined, create: () => Promise.reject(new Error('killed')) } }
  await expect(createDemo(killed as unknown as typeof server)).rejects.toThrow('killed')
  expect([await users.findByLogin('demo'), (await authorization.clients.find('demo-app'))?.client_name]).toEqual([undefined, 'Demo page'])
  await server.close()
})
