import type { Transporter } from 'nodemailer';
import { isPrivateAddress } from '../net/addresses.ts';
import type { Mail } from './messages.ts';

export interface MailerOptions {
  host: string;
  port: number;
  user: string;
  pass: string;
  from: string;
  /** URL of an HTTP proxy that connects to the server; empty = directly. */
  proxy: string;
  /** Where links in mail lead: STREAMHUB_APP_URL, else the public base URL; empty = none. */
  linkBase: string;
}

const TIMEOUT_MS = 15_000;

/** Sends mail through the operator's SMTP server; without one, nothing is sent. */
export class Mailer {
  readonly #options: MailerOptions;
  #transport: Promise<Transporter> | undefined;

  constructor(options: MailerOptions) {
    this.#options = { ...options, from: options.from || (options.user.includes('@') ? options.user : '') };
  }

  /** Links need a server, a sender and an address to lead to. */
  get canSendLinks(): boolean {
    return this.lacks.length === 0;
  }

  /** Settings that are missing before a link can be sent. */
  get lacks(): string[] {
    const { host, from, linkBase } = this.#options;
    return [
      ...(host === '' ? ['STREAMHUB_SMTP_HOST'] : []),
      ...(from === '' ? ['STREAMHUB_SMTP_FROM'] : []),
      ...(linkBase === '' ? ['STREAMHUB_APP_URL'] : []),
    ];
  }

  /** Connects, greets and signs in where a password is set; sends nothing. Rejects with an error of nodemailer. */
  async verify(): Promise<{ signedIn: boolean }> {
    const transport = await (this.#transport ??= this.#open());
    await transport.verify();
    return { signedIn: this.#options.pass !== '' };
  }

  get linkBase(): string {
    return this.#options.linkBase;
  }

  /** Rejects if the server does not accept the mail; the error contains no credentials. */
  async send(to: string, mail: Mail): Promise<void> {
    const transport = await (this.#transport ??= this.#open());
    await transport.sendMail({ from: this.#options.from, to: { name: '', address: to }, ...mail });
  }

  async close(): Promise<void> {
    (await this.#transport)?.close();
  }

  async #open(): Promise<Transporter> {
    const { host, port, user, pass, proxy } = this.#options;
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
