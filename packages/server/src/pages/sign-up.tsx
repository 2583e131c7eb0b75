import type { FC } from 'hono/jsx'
import type { Account, AccountFaults } from '../sign-up.ts'
import { About, Alarm, clientName, type FormProps, Layout, Logo } from './layout.tsx'

interface FieldProps {
  name: keyof Account
  label: string
  type?: 'text' | 'password'
  value?: string | undefined
  hint?: string
  fault: string | undefined
  autocomplete: string
  required?: boolean
}

const Field: FC<FieldProps> = ({ name, label, type = 'text', hint, fault, ...attributes }) => {
  const help = fault ?? hint
  return (
    <>
      <label for={name}>{label}</label>
      <input
        type={type}
        id={name}
        name={name}
        autocapitalize={name === 'name' ? 'words' : 'none'}
        aria-invalid={fault && 'true'}
        aria-describedby={help && `${name}-help`}
        {...attributes}
      />
      {help && (
        <p id={`${name}-help`} class={fault ? 'alarm' : 'quiet'}>
          {help}
        </p>
      )}
    </>
  )
}

/** To create an account. `account`: what was typed before; `faults`: what is wrong with it; `alarm`: what is wrong otherwise. */
export const SignUpPage: FC<FormProps & { account?: Account; faults?: AccountFaults; alarm?: string | undefined }> = ({
  interaction,
  csrf,
  account,
  faults = {},
  alarm = Object.keys(faults).length > 0 ? 'There is no account yet. Please correct what is marked.' : undefined
}) => (
  <Layout title="Create an account">
    <Logo interaction={interaction} />
    <h1>Create an account</h1>
    <p>to continue to {clientName(interaction)}</p>
    <Alarm text={alarm} />
    <form method="post">
      <input type="hidden" name="csrf" value={csrf} />
      <Field name="name" label="Your name" value={account?.name} fault={faults.name} autocomplete="name" required />
      <Field
        name="login"
        label="Name to sign in with"
        value={account?.login ?? interaction.loginHint}
        fault={faults.login}
        autocomplete="username"
        required
      />
      <Field name="email" label="E-mail (optional)" value={account?.email} fault={faults.email} autocomplete="email" />
      <Field
        name="password"
        label="Password"
        type="password"
        hint="At least 8 characters."
        fault={faults.password}
        autocomplete="new-password"
        required
      />
      <button type="submit" id="signup-submit" name="decision" value="create">
        Create account
      </button>
      <button type="submit" class="plain" name="decision" value="deny" formnovalidate>
        Cancel
      </button>
    </form>
    <p class="quiet">
      You have an account? <a href={`/interaction/${interaction.id}/sign-in`}>Sign in</a>
    </p>
    <About interaction={interaction} />
  </Layout>
)
