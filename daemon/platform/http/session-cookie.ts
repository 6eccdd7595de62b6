import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '#shared/errors.ts';
import { isSameOrigin } from './same-origin.ts';

const MAX_LENGTH = 200;

/** The cookie that keeps a browser signed in. Its value is random; what it stands for is in the session store. */
export class SessionCookie {
  readonly #plainName: string;
  #secureName = '';
  #base = '';
  #public: URL | undefined;

  /**
   * @param installation tells installations apart: browsers send the cookies of all ports of a host
   * @param publicUrl PUBLIC_BASE_URL, where it is set
   */
  constructor(installation: string, publicUrl: string | null) {
    this.#plainName = `streamhub-${installation}`;
    this.publishAt(publicUrl);
  }

  /** The daemon has another public address. */
  publishAt(publicUrl: string | null): void {
    this.#public = publicUrl === null ? undefined : new URL(publicUrl);
    this.#base = this.#public?.pathname.replace(/\/+$/, '') ?? '';
    // on HTTPS a prefix keeps other hosts of the domain, and anyone on the line, from setting a cookie of this name
    // (RFC 6265bis, section 4.1.3)
    this.#secureName = (this.#base === '' ? '__Host-' : '__Secure-') + this.#plainName;
  }

  /** The value that the request has, whether or not it may use it. */
  read(request: FastifyRequest): string | undefined {
    const secure = cookieValue(this.#secureName, request);
    // what anyone on the line could have set counts for nothing on HTTPS
    return secure ?? (this.#isHttps(request) ? undefined : cookieValue(this.#plainName, request));
  }

  /** @throws ApiError CROSS_SITE when a page of another origin made the request */
  requireSameOrigin(request: FastifyRequest): void {
    if (!isSameOrigin(request, this.#public?.host)) throw new ApiError('CROSS_SITE');
  }

  /** @param seconds how long the browser keeps it; undefined = until the browser is closed */
  give(request: FastifyRequest, reply: FastifyReply, value: string, seconds: number | undefined): void {
    const isSecure = this.#isSecure(request);
    const name = isSecure ? this.#secureName : this.#plainName;
    const parts = [`${name}=${value}`, `Path=${this.#base || '/'}`, 'HttpOnly', 'SameSite=Strict'];
    if (isSecure) parts.push('Secure');
    if (seconds !== undefined) parts.push(`Max-Age=${Math.floor(seconds)}`);
    reply.header('set-cookie', parts.join('; ')).header('cache-control', 'no-store');
  }

  /** Makes the browser forget it. */
  take(request: FastifyRequest, reply: FastifyReply): void {
    this.give(request, reply, '', 0);
  }

  /** X-Forwarded-Proto counts from trusted proxies only. */
  #isHttps({ protocol, headers }: FastifyRequest): boolean {
    return protocol === 'https' || (this.#public?.protocol === 'https:' && this.#public.host === headers.host);
  }

  /** Behind a proxy that isn't trusted, the browser's Origin or the cookie that it has tells. */
  #isSecure(request: FastifyRequest): boolean {
    return (
      this.#isHttps(request) ||
      request.headers.origin?.startsWith('https://') === true ||
      cookieValue(this.#secureName, request) !== undefined
    );
  }
}

function cookieValue(name: string, { headers: { cookie = '' } }: FastifyRequest): string | undefined {
  const start = `${name}=`;
  const pair = cookie.split('; ').find((text) => text.startsWith(start));
  return pair === undefined || pair.length > start.length + MAX_LENGTH
    ? undefined
    : pair.slice(start.length) || undefined;
}
