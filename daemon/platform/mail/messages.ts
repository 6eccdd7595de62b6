import { fillTemplate } from '../files/template.ts';

/** A message before it is addressed. Plain text: nothing to load, nothing to hide a link behind. */
export interface Mail {
  subject: string;
  text: string;
}

export const magicLinkMail = (url: string): Mail => ({
  subject: 'Sign in to StreamHub',
  text: fillTemplate('platform/mail/assets/magic-link.txt', { url }),
});

export const emailProofMail = (url: string, account: string): Mail => ({
  subject: 'Confirm your email address for StreamHub',
  text: fillTemplate('platform/mail/assets/email-proof.txt', { url, account: oneLine(account) }),
});

export const emailChangedMail = (url: string, former: string, email: string): Mail => ({
  subject: 'The email address of your StreamHub account was changed',
  text: fillTemplate('platform/mail/assets/email-changed.txt', { url, former: oneLine(former), email: oneLine(email) }),
});

export const invitationMail = (url: string, team: string, inviter: string | undefined): Mail => ({
  subject: `Invitation to ${oneLine(team)} on StreamHub`,
  text: fillTemplate('platform/mail/assets/invitation.txt', {
    url,
    team: oneLine(team),
    inviter: inviter === undefined ? 'You were invited' : `${oneLine(inviter)} has invited you`,
  }),
});

export const testMail = (url: string): Mail => ({
  subject: 'Test from StreamHub',
  text: fillTemplate('platform/mail/assets/test.txt', { url }),
});

/** People type names: a line break in one must not become a header or a separate paragraph. */
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(0, 120);
