import type { AuthorizationDetailTypes, Client, HttpResponse, Interactions, LoggedOut, LogoutQuestion, ResourceServer } from 'grantor'
import { describeAuthorizationDetails, seeOther, withOpener } from 'grantor'
import { ConfirmDevicePage, DeviceDecidedPage, EnterCodePage } from './pages/device.tsx'
import { page } from './pages/page.ts'
import { resourcesOf } from './pages/permissions.ts'
import { SignedOutPage, SignOutPage } from './pages/sign-out.tsx'
import { ErrorPage } from './pages/site.tsx'
import type { Sessions } from './sessions.ts'

/** What pages say of what an application asks for. */
export interface Wordings {
  resources: readonly ResourceServer[]
  detailTypes: AuthorizationDetailTypes
}

/** What the authorization server asks of this one: who is signed in, and pages. `sessions` is called when they are there. */
export function interactions(sessions: () => Sessions, popups: boolean, { resources, detailTypes }: Wordings): Interactions {
  const shown = (response: HttpResponse) => (popups ? withOpener(response) : response)
  return {
    session: (request) => sessions().find(request),
    // The page has an address of its own, so that it can be reloaded.
    prompt: async (interaction) => seeOther(`/interaction/${interaction.id}`),
    error: async (error) => page(error.status, ErrorPage(error)),
    endSession: async (_, request) => [await sessions().forget(request)],
    async confirmLogout(question, request) {
      return shown(signOutPage(question, (await sessions().find(request))?.name ?? ''))
    },
    loggedOut: async (loggedOut) => shown(signedOutPage(loggedOut)),
    enterUserCode: async (question) => page(200, EnterCodePage(question)),
    async confirmDevice(question, request) {
      const name = (await sessions().find(request))?.name ?? ''
      const details = describeAuthorizationDetails(question, detailTypes)
      return page(200, ConfirmDevicePage({ question, name, resources: resourcesOf(question, resources), details }))
    },
    deviceDecided: async (decision) => page(200, DeviceDecidedPage(decision))
  }
}

function signOutPage({ action, fields, client }: LogoutQuestion, name: string): HttpResponse {
  return page(200, SignOutPage({ name, action, fields, ...(client && { client: nameOf(client) }) }))
}

function signedOutPage({ frames, csp, continueTo, client }: LoggedOut): HttpResponse {
  const onward = client && continueTo !== undefined ? { url: continueTo, client: nameOf(client) } : undefined
  return page(200, SignedOutPage({ frames, onward }), csp)
}

function nameOf({ client_name, client_id }: Client): string {
  return client_name ?? client_id
}
