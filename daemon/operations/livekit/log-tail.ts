import { open } from 'node:fs/promises';

/** Read at a time; what is more stays in the file. */
const MAX_BYTES = 64 * 1024;
const MAX_LINE = 2000;

export interface TailedLine {
  /** What LiveKit calls info is a line for each request, and so of interest to few. */
  level: 'debug' | 'warn' | 'error';
  message: string;
}

/** Follows the lines that a program appends to its log file, from its present end. */
export class LogTail {
  readonly #file: string;
  #offset: number | undefined;
  #rest = '';

  constructor(file: string) {
    this.#file = file;
  }

  /** Lines since the last call. Of more than 64 KiB only the last are returned. */
  async read(): Promise<TailedLine[]> {
    let handle: Awaited<ReturnType<typeof open>>;
    try {
      handle = await open(this.#file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      this.#offset = 0;
      return [];
    }
    try {
      const { size } = await handle.stat();
      const from = this.#offset ?? size;
      // the file was emptied when it became too large
      const begin = Math.max(from > size ? 0 : from, size - MAX_BYTES);
      this.#offset = size;
      if (begin === size) return [];
      if (begin !== from) this.#rest = '';
      const { buffer } = await handle.read(Buffer.alloc(size - begin), 0, size - begin, begin);
      const lines = (this.#rest + buffer.toString('utf8')).split('\n');
      this.#rest = (lines.pop() ?? '').slice(-MAX_LINE);
      return lines.filter((line) => line.trim() !== '').map(readLine);
    } finally {
      await handle.close();
    }
  }
}

/** Redis gives these lines of every start and end the same mark as warnings. */
const REDIS_ROUTINE =
  /(oO0Oo|Redis version=|Valkey version=|Configuration loaded|Server initialized|User requested shutdown|ready to exit)/;

/** A line of LiveKit, egress and ingress is JSON; Redis marks warnings with `#`. */
function readLine(line: string): TailedLine {
  const text = line.slice(0, MAX_LINE);
  if (text.startsWith('{')) {
    try {
      const { level, msg, error } = JSON.parse(line) as Record<string, unknown>;
      if (typeof msg === 'string') {
        const message = typeof error === 'string' ? `${msg}: ${error}` : msg;
        return { level: levelOf(level), message: message.slice(0, MAX_LINE) };
      }
    } catch {
      // an ordinary line that begins with a brace
    }
  }
  const isWarning = /^\d+:[A-Z] .* # /.test(text) && !REDIS_ROUTINE.test(text);
  return { level: isWarning ? 'warn' : 'debug', message: text };
}

const levelOf = (level: unknown): TailedLine['level'] =>
  level === 'warn' ? 'warn' : level === 'error' || level === 'fatal' || level === 'panic' ? 'error' : 'debug';
