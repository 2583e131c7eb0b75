import type { HttpRequest, Params } from 'grantor'
import type { LoginLimiter } from './login-limiter.ts'
import type { User, Users } from './users.ts'

/** Who it is; or the status of the page that says why not, with what was typed. `wait`: seconds until another attempt is looked at. */
export type SignInOutcome = { user: User } | { user?: never; status: number; fault: string; login: string; wait: number }

/** Judges the name and password of a form, as often as the limits allow. */
export async function signInByPassword(
  { limiter, users }: { limiter: LoginLimiter; users: Users },
  request: HttpRequest,
  form: Params
): Promise<SignInOutcome> {
  const login = form.get('login') ?? ''
  const attempt = await limiter.reserve(login, request.remote?.address)
  const { wait } = attempt
  const user = wait > 0 ? undefined : await users.authenticate(login, form.get('password') ?? '')
  if (!user) {
    const [status, fault] = wait > 0 ? [429, tooMany(wait)] : [401, 'The name or the password is wrong.']
    return { status, fault, login, wait }
  }
  await attempt.succeeded()
  return { user }
}

export function tooMany(wait: number): string {
  return `Too many attempts. Try again in ${Math.ceil(wait / 60)} min.`
}

export function retryAfter(wait: number): Record<string, string> {
  return wait > 0 ? { 'retry-after': String(wait) } : {}
}
