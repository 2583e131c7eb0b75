import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import chromium from '@sparticuz/chromium'
import { type Browser, chromium as playwright } from 'playwright-core'

/** A real Chromium from npm. Its unpacked binary goes to a folder of its own, because one of another version would be reused. */
export async function launchChromium(): Promise<Browser> {
  process.env.TMPDIR = mkdtempSync(join(tmpdir(), 'grantor-chromium-'))
  const unwanted = ['--single-process', '--no-zygote', '--headless']
  const args = [
    ...chromium.args.filter((arg) => !unwanted.some((prefix) => arg.startsWith(prefix))),
    '--disable-background-networking',
    '--disable-component-update'
  ]
  return playwright.launch({ executablePath: await chromium.executablePath(), args, headless: true })
}
