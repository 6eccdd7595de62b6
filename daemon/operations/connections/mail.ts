import type { Mailer } from '#daemon/platform/mail/mailer.ts';
import { testMail } from '#daemon/platform/mail/messages.ts';
import { addressOf, resolveHost, tryAddress } from './network.ts';
import { type Step, StepFailure } from './steps.ts';

export interface MailSettings {
  smtpHost: string;
  smtpPort: number;
  /** URL; empty = none. */
  smtpProxy: string;
}

/** Greets the SMTP server and signs in, as before a mail. @param sendTo address that then gets a mail; none by default */
export function mailSteps({ smtpHost, smtpPort, smtpProxy }: MailSettings, mailer: Mailer, sendTo?: string): Step[] {
  const address = { host: smtpHost.trim(), port: smtpPort, isSecure: smtpPort === 465 };
  const isDirect = smtpProxy === '';
  // the proxy resolves the server's name
  const reached = isDirect ? address : addressOf(smtpProxy, { plain: 80, secure: 443 });
  return [
    {
      id: 'settings',
      run() {
        if (address.host !== '') return `Mail is sent through ${address.host}, port ${address.port}.`;
        throw new StepFailure(
          'STREAMHUB_SMTP_HOST is not set. No mail is sent; links are shown instead.',
          'Set STREAMHUB_SMTP_HOST, _PORT, _USER, _PASS and _FROM to the values of your mail provider.',
        );
      },
    },
    { id: 'resolve', run: () => resolveHost(reached, isDirect ? 'STREAMHUB_SMTP_HOST' : 'STREAMHUB_SMTP_PROXY') },
    {
      id: 'connect',
      run: async () =>
        isDirect
          ? tryAddress(reached, 'STREAMHUB_SMTP_HOST or STREAMHUB_SMTP_PORT')
          : `Proxy: ${await tryAddress(reached, 'STREAMHUB_SMTP_PROXY')}`,
    },
    {
      id: 'signIn',
      async run() {
        try {
          return (await mailer.verify()).signedIn
            ? 'The server accepts user and password.'
            : 'The server responds; no user is set.';
        } catch (error) {
          throw asFailure(error);
        }
      },
    },
    {
      id: 'use',
      async run() {
        const lacks = mailer.lacks;
        if (lacks.length > 0)
          throw new StepFailure('No mail with a link can be sent yet.', `Set ${lacks.join(' and ')}.`);
        const links = `Links in mail point to ${mailer.linkBase}.`;
        if (sendTo === undefined) return links;
        try {
          await mailer.send(sendTo, testMail(mailer.linkBase));
        } catch (error) {
          throw asFailure(error);
        }
        return `A mail was sent to ${sendTo}. ${links}`;
      },
    },
  ];
}

/** Of a failure of nodemailer by its code (https://nodemailer.com/errors); its text may repeat what was sent. */
function asFailure(error: unknown): unknown {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  const answer = typeof responseCode === 'number' ? ` (answer ${responseCode})` : '';
  switch (code) {
    case 'EAUTH':
      return new StepFailure(
        `The server refuses the user or the password${answer}.`,
        'Correct STREAMHUB_SMTP_USER and STREAMHUB_SMTP_PASS. Some providers require an app password.',
      );
    case 'ETLS':
      return new StepFailure(
        'The server doesn’t support TLS, and the password is never sent unencrypted.',
        'Use the provider’s port with TLS: 587, or 465.',
      );
    case 'ESOCKET':
    case 'ECONNECTION':
    case 'EPROTOCOL':
      return new StepFailure(
        `The server closed the connection${answer}; its TLS mode or protocol doesn’t match the port.`,
        'Try port 587, or 465 for TLS from the start; its certificate must be valid for STREAMHUB_SMTP_HOST.',
      );
    case 'EENVELOPE':
      return new StepFailure(
        `The server refuses the sender or the recipient${answer}.`,
        'Set STREAMHUB_SMTP_FROM to an address that this mail account may send from.',
      );
    case 'EPROXY':
      return new StepFailure(
        'The proxy does not connect to the mail server.',
        'Allow the proxy to connect to the port of the mail server, or correct STREAMHUB_SMTP_PROXY.',
      );
    case 'ETIMEDOUT':
      return new StepFailure(
        'The server sent no greeting in time.',
        'The server may expect TLS from the start: set STREAMHUB_SMTP_PORT to 465.',
      );
    default:
      return error;
  }
}
