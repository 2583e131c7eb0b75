import { Browser } from '../browser.ts'
import { PASSWORD } from '../support.ts'

export const LOGIN = 'certified'

/** Every standard claim of OpenID Connect Core §5.1. */
export const CLAIMS = {
  name: 'Ada Byron King',
  given_name: 'Ada',
  family_name: 'King',
  middle_name: 'Byron',
  nickname: 'Countess',
  preferred_username: LOGIN,
  profile: 'https://people.example.com/ada',
  picture: 'https://people.example.com/ada.png',
  website: 'https://ada.example.com/',
  gender: 'female',
  birthdate: '1815-12-10',
  zoneinfo: 'Europe/London',
  locale: 'en-GB',
  email: 'ada@example.com',
  email_verified: true,
  phone_number: '+44 20 7946 0999',
  phone_number_verified: true,
  address: { formatted: '12 St James’s Square\nLondon', locality: 'London', country: 'United Kingdom' }
}

/** What a browser was shown on the way, and where it ended: at the client's redirect URI, or on a page of ours. */
export interface Journey {
  shown: readonly ('sign-in' | 'consent')[]
  /** The whole Location, or the address that a form was for. */
  location: string | undefined
  /** The fields of a form that was for the client. */
  form: Readonly<Record<string, string>> | undefined
  html: string
  status: number
}

/** A person with a browser, who signs in and allows whenever asked. */
export class Person {
  readonly browser = new Browser()

  async open(url: string, init?: RequestInit): Promise<Journey> {
    return this.goOn(await this.look(url, init))
  }

  /** Goes only as far as the first page. */
  look(url: string, init?: RequestInit): Promise<string> {
    this.browser.stoppedAt = undefined
    return this.browser.open(url, init)
  }

  /** From the page that the browser shows, to the end. */
  async goOn(page: string): Promise<Journey> {
    const { browser } = this
    const shown: ('sign-in' | 'consent')[] = []
    for (let html = page; ; ) {
      const ended = { shown, html, status: browser.status, location: browser.stoppedAt, form: undefined }
      if (browser.stoppedAt !== undefined || shown.length > 4) return ended
      if (html.includes('id="login-submit"')) {
        shown.push('sign-in')
        html = await browser.submit({ login: LOGIN, password: PASSWORD, decision: 'login' })
      } else if (html.includes('id="consent-allow"')) {
        shown.push('consent')
        html = await browser.submit({ decision: 'allow' })
      } else {
        const [, action] = /<form method="post" action="([^"]+)">/.exec(html) ?? []
        return action === undefined ? ended : { ...ended, location: unescaped(action), form: browser.fields() }
      }
    }
  }
}

function unescaped(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code))
}
