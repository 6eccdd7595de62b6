import type { Transporter } from 'nodemailer';
import { isPrivateAddress } from '../net/addresses.ts';
import { publicBase, type SettingValues } from '../settings.ts';
import type { SettingKey } from '../settings-table.ts';
import type { Mail } from './messages.ts';

/** The settings that mail depends on. */
export const MAIL_SETTINGS = [
  'smtpHost',
  'smtpPort',
  'smtpUser',
  'smtpPass',
  'smtpFrom',
  'smtpProxy',
  'appUrl',
  'publicBaseUrl',
] as const satisfies readonly SettingKey[];
/** Read for each mail, so that they may change. */
export type MailerOptions = Pick<SettingValues, (typeof MAIL_SETTINGS)[number] | 'streamhubPublicUrl'>;

const TIMEOUT_MS = 15_000;

/** Sends mail through the operator's SMTP server; without one, nothing is sent. */
export class Mailer {
  readonly #options: MailerOptions;
  #transport: Promise<Transporter> | undefined;

  constructor(options: MailerOptions) {
    this.#options = options;
  }

  /** Links need a server, a sender and an address to lead to. */
  get canSendLinks(): boolean {
    return this.lacks.length === 0;
  }

  /** A server and a sender are set. */
  get canSend(): boolean {
    return this.#options.smtpHost !== '' && this.#from !== '';
  }

  /** Settings that are missing before a link can be sent. */
  get lacks(): string[] {
    return [
      ...(this.#options.smtpHost === '' ? ['STREAMHUB_SMTP_HOST'] : []),
      ...(this.#from === '' ? ['STREAMHUB_SMTP_FROM'] : []),
      ...(this.linkBase === '' ? ['STREAMHUB_APP_URL'] : []),
    ];
  }

  /** Connects, greets and signs in where a password is set; sends nothing. Rejects with an error of nodemailer. */
  async verify(): Promise<{ signedIn: boolean }> {
    const transport = await (this.#transport ??= this.#open());
    await transport.verify();
    return { signedIn: this.#options.smtpPass !== '' };
  }

  /** Where links in mail lead; empty = none. */
  get linkBase(): string {
    return this.#options.appUrl || publicBase(this.#options) || '';
  }

  get #from(): string {
    const { smtpFrom, smtpUser } = this.#options;
    return smtpFrom || (smtpUser.includes('@') ? smtpUser : '');
  }

  /** Rejects if the server does not accept the mail; the error contains no credentials. */
  async send(to: string, mail: Mail): Promise<void> {
    const transport = await (this.#transport ??= this.#open());
    await transport.sendMail({ from: this.#from, to: { name: '', address: to }, ...mail });
  }

  /** Ends the connection; the next mail opens one with the settings of then. */
  async close(): Promise<void> {
    const transport = this.#transport;
    this.#transport = undefined;
    (await transport)?.close();
  }

  async #open(): Promise<Transporter> {
    const { smtpHost: host, smtpPort: port, smtpUser: user, smtpPass: pass, smtpProxy: proxy } = this.#options;
    const { createTransport } = await import('nodemailer');
    const isLocal = host === 'localhost' || isPrivateAddress(host);
    return createTransport({
      host,
      port,
      secure: port === 465,
      // a password never travels in the clear over the internet
      requireTLS: pass !== '' && port !== 465 && !isLocal,
      ...(pass === '' ? {} : { auth: { user, pass } }),
      ...(proxy === '' ? {} : { proxy }),
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  }
}
