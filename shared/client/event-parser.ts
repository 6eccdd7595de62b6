/** One message of a server-sent event stream. */
export interface ServerEvent {
  id: string | undefined;
  event: string;
  data: string;
}

/** Cuts a text stream into server-sent events, wherever its chunks break. */
export class EventParser {
  #rest = '';
  #event = '';
  #data: string[] = [];
  #id: string | undefined;
  /** Set by the stream's `retry:` field, milliseconds. */
  retry: number | undefined;

  /** @returns the events that the chunk completes */
  push(chunk: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    this.#rest += chunk;
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const event = this.#line(line);
      if (event) events.push(event);
    }
    return events;
  }

  #line(line: string): ServerEvent | undefined {
    if (line === '') {
      const event =
        this.#data.length === 0
          ? undefined
          : { id: this.#id, event: this.#event || 'message', data: this.#data.join('\n') };
      this.#event = '';
      this.#data = [];
      return event;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return undefined;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id') this.#id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.retry = Number(value);
    return undefined;
  }
}
