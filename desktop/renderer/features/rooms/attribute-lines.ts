type Attributes = Readonly<Record<string, string>>;

const quotedUnless = (plain: RegExp, text: string): string => (plain.test(text) ? text : JSON.stringify(text));

/** Attributes as lines of `name=value`. What would read back differently is quoted as in JSON. */
export const toLines = (attributes: Attributes): string =>
  Object.entries(attributes)
    .map(
      ([name, value]) =>
        `${quotedUnless(/^[^\s"=]([^=\r\n]*[^\s=])?$/, name)}=${quotedUnless(/^(?!")[^\r\n]*$/, value)}`,
    )
    .join('\n');

const QUOTED_NAME = /^\s*("(?:[^"\\]|\\.)*")\s*(?:=|$)/;

function unquoted(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}

/** The attributes that differ from those before; LiveKit removes one whose value is empty. */
export function changesIn(lines: string, before: Attributes): Record<string, string> {
  const after = new Map(Object.keys(before).map((name) => [name, '']));
  for (const line of lines.split('\n')) {
    const quoted = QUOTED_NAME.exec(line);
    const [name = '', ...value] = quoted ? [quoted[1], line.slice(quoted[0].length)] : line.split('=');
    if (name.trim() !== '') after.set(unquoted(name.trim()), unquoted(value.join('=')));
  }
  return Object.fromEntries([...after].filter(([name, value]) => (before[name] ?? '') !== value));
}
