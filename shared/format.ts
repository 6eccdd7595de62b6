/** A format that is made at its first use, and once: making one costs more than a hundred uses. */
function formatter(options?: Intl.NumberFormatOptions): { format(value: number): string } {
  let made: Intl.NumberFormat | undefined;
  return {
    format(value) {
      made ??= new Intl.NumberFormat('en', options);
      return made.format(value);
    },
  };
}

const whole = formatter({ maximumFractionDigits: 0 });
const number = formatter({ maximumFractionDigits: 1 });
const plain = formatter();
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const DECIMAL = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'];

/** `1,204`. */
export const count = (value: number): string => plain.format(value);

/** A text with a full stop, unless it has an end. */
export const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

/** A host as addresses name it: IPv6 in brackets. */
export const hostInUrl = (host: string): string => (host.includes(':') && !host.startsWith('[') ? `[${host}]` : host);

/** The host and the port of `in.example.com:1936`, `[::1]:1936` or `::1`. */
export function hostAndPort(text: string): { host: string; port: number | undefined } {
  const [, name, ipv6, port] = /^(?:([^:[\]]+)|\[(.+)\])(?::(\d+))?$/.exec(text) ?? [];
  return { host: name ?? ipv6 ?? text, port: port === undefined ? undefined : Number(port) };
}

/** `1 app`, `2 apps`. */
export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

/** One decimal at most: `1.5`. */
const decimal = (value: number): string => number.format(value);

/** Storage and memory, binary: `38 GiB`. */
export const bytes = (value: number): string => scaled(value, 1024, BINARY);

/** Media rates, decimal: `4.2 Mbit/s`. */
export const bitrate = (bitsPerSecond: number): string => scaled(bitsPerSecond, 1000, DECIMAL);

/** `12 s`, `4 min`, `3 h 10 min`, `2 d`. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.round(s / 60)} min`;
  if (s < 86_400) {
    const minutes = Math.round((s % 3600) / 60);
    return minutes === 0 || minutes === 60 ? `${Math.round(s / 3600)} h` : `${Math.floor(s / 3600)} h ${minutes} min`;
  }
  return `${decimal(Math.round((s / 86_400) * 10) / 10)} d`;
}

function scaled(value: number, step: number, units: readonly string[]): string {
  let rest = value;
  let unit = 0;
  while (Math.abs(rest) >= step && unit < units.length - 1) {
    rest /= step;
    unit += 1;
  }
  return `${(unit === 0 || Math.abs(rest) >= 100 ? whole : number).format(rest)} ${units[unit]}`;
}
