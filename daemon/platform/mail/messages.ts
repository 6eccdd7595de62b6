/** A message before it is addressed. Plain text: nothing to load, nothing to hide a link behind. */
export interface Mail {
  subject: string;
  text: string;
}

export const magicLinkMail = (url: string): Mail => ({
  subject: 'Sign in to StreamHub',
  text: `Open this link to sign in. It works once, for 15 minutes:

${url}

If you did not ask for it, there is nothing to do: nobody can sign in without this mail.
`,
});

export const invitationMail = (url: string, team: string, inviter: string | undefined): Mail => ({
  subject: `Invitation to ${oneLine(team)} on StreamHub`,
  text: `${inviter === undefined ? 'You were' : `${oneLine(inviter)} has`} invited ${inviter === undefined ? '' : 'you '}to the team “${oneLine(team)}” on StreamHub.
Open this link to accept. It works once, for 72 hours:

${url}
`,
});

/** Names are typed by people: a line break in one must not become a header or a separate paragraph. */
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(0, 120);
