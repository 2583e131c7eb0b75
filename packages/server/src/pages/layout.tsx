import type { Interaction } from 'grantor'
import type { Child, FC } from 'hono/jsx'

/** What every page stands in. */
export const Layout: FC<{ title: string; children: Child }> = ({ title, children }) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>{title}</title>
      <link rel="stylesheet" href="/assets/style.css" />
    </head>
    <body>
      <main>{children}</main>
    </body>
  </html>
)

/** What every form of an interaction needs. */
export interface FormProps {
  interaction: Interaction
  csrf: string
}

/** What the client calls itself. */
export const clientName = ({ client }: Pick<Interaction, 'client'>) => client.client_name ?? client.client_id

/** The picture that the client shows of itself. */
export const Logo: FC<{ interaction: Pick<Interaction, 'client'> }> = ({ interaction }) =>
  interaction.client.logo_uri ? <img src={interaction.client.logo_uri} alt="" referrerpolicy="no-referrer" /> : null

/** The client's own words about what it does with what it learns. */
export const About: FC<{ interaction: Pick<Interaction, 'client'> }> = ({ interaction: { client } }) =>
  client.policy_uri || client.tos_uri ? (
    <p class="quiet links">
      {client.policy_uri && <a href={client.policy_uri}>Privacy policy</a>}
      {client.tos_uri && <a href={client.tos_uri}>Terms of service</a>}
    </p>
  ) : null

/** What went wrong, read out at once. */
export const Alarm: FC<{ text: string | undefined }> = ({ text }) =>
  text ? (
    <p class="alarm" role="alert">
      {text}
    </p>
  ) : null
