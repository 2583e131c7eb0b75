import type { FC } from 'hono/jsx'

/** `login`: what stands there already. */
export const LoginFields: FC<{ login: string }> = ({ login }) => (
  <>
    <label for="login">Name</label>
    <input type="text" id="login" name="login" value={login} autocomplete="username" autocapitalize="none" required />
    <label for="password">Password</label>
    <input type="password" id="password" name="password" autocomplete="current-password" required />
    <button type="submit" id="login-submit" name="decision" value="login">
      Sign in
    </button>
  </>
)
