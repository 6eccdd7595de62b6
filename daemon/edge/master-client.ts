import { networkFailure } from '#daemon/platform/net/network-failures.ts';
import type { AgentReport, HeartbeatAnswer, HeartbeatBody, JoinAnswer, JoinBody } from '#shared/schema/cluster.ts';

const TIMEOUT_MS = 10_000;

/** A refusal of the daemon, or no answer at all (`status` 0). */
export class MasterError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The calls that an edge node makes to its daemon. */
export class MasterClient {
  readonly #base: string;
  readonly #token: string;

  constructor(masterUrl: string, token: string) {
    this.#base = `${masterUrl.replace(/\/+$/, '')}/api/v1/cluster`;
    this.#token = token;
  }

  join(body: JoinBody): Promise<JoinAnswer> {
    return this.#post('/join', body) as Promise<JoinAnswer>;
  }

  heartbeat(body: HeartbeatBody & { agent: AgentReport; instance: string }): Promise<HeartbeatAnswer> {
    return this.#post('/heartbeat', body) as Promise<HeartbeatAnswer>;
  }

  async leave(nodeId: string, instance: string): Promise<void> {
    await this.#post('/leave', { nodeId, instance });
  }

  async #post(path: string, body: unknown): Promise<unknown> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.#base + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-cluster-token': this.#token },
        body: JSON.stringify(body),
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      text = await response.text();
    } catch (error) {
      throw new MasterError(0, 'UNREACHABLE', `${this.#base} isn’t responding: ${reasonOf(error)}`);
    }
    const answer = parse(text);
    if (!response.ok) {
      const said = typeof answer['message'] === 'string' ? answer['message'] : `HTTP ${response.status}`;
      const message = typeof answer['hint'] === 'string' ? `${said.replace(/\.$/, '')}. ${answer['hint']}` : said;
      const code = typeof answer['code'] === 'string' ? answer['code'] : '';
      throw new MasterError(response.status, code, message);
    }
    if (typeof answer['data'] !== 'object' || answer['data'] === null) {
      throw new MasterError(502, 'NOT_STREAMHUB', `${this.#base} is not a StreamHub daemon`);
    }
    return answer['data'];
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error & { cause?: { code?: string; message?: string } };
  return networkFailure(cause?.code) ?? cause?.code ?? cause?.message ?? message;
}
