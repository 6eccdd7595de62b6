/** Where the cursor is in a YAML text: the keys that lead there, and what is being typed. */
export interface YamlPlace {
  /** Keys of the mappings around the cursor; `-` for a list item. */
  path: string[];
  /** A key is being typed, or the value of `key`. */
  kind: 'key' | 'value';
  key: string | undefined;
  /** Where the word begins, in the line. */
  from: number;
  typed: string;
}

const KEY = /^([\w.-]+)\s*:(?=\s|$)/;

/**
 * Finds the place by indentation. It works on texts that do not parse, which is what a text is while one types.
 * @param lines of the text up to and including the cursor's; the last one is cut at the cursor
 */
export function yamlPlace(lines: readonly string[]): YamlPlace {
  const line = lines.at(-1) ?? '';
  const { indent, rest, dashes } = dissect(line);
  const path = parents(lines, dashes.length > 0 ? (dashes[0] as number) : indent, dashes);
  const key = KEY.exec(rest)?.[1];
  if (key !== undefined) {
    const after = rest.slice(rest.indexOf(':') + 1);
    const typed = after.trimStart();
    return { path, kind: 'value', key, from: line.length - typed.length, typed };
  }
  return { path, kind: 'key', key: undefined, from: line.length - rest.length, typed: rest };
}

/** The keys that lead to a line, its own key included. */
export function pathOfLine(lines: readonly string[], index: number): string[] {
  const place = yamlPlace(lines.slice(0, index + 1));
  return place.key === undefined ? place.path : [...place.path, place.key];
}

/** Indentation of the content, the columns of its list dashes, and what follows them. */
function dissect(line: string): { indent: number; rest: string; dashes: number[] } {
  const dashes: number[] = [];
  let at = /^ */.exec(line)?.[0].length ?? 0;
  while (/^-(?: +|$)/.test(line.slice(at))) {
    dashes.push(at);
    at += /^- */.exec(line.slice(at))?.[0].length ?? 1;
  }
  return { indent: at, rest: line.slice(at), dashes };
}

function parents(lines: readonly string[], indent: number, ownDashes: readonly number[]): string[] {
  const path: string[] = ownDashes.map(() => '-');
  let limit = indent;
  // a dash may stand in the column of the key that holds the list
  let allowEqual = ownDashes.length > 0;
  for (let index = lines.length - 2; index >= 0 && (limit > 0 || allowEqual); index -= 1) {
    const line = lines[index] ?? '';
    if (/^\s*(#|$)/.test(line)) continue;
    const { indent: column, rest, dashes } = dissect(line);
    const key = KEY.exec(rest)?.[1];
    const isHolder =
      key !== undefined &&
      rest
        .slice(rest.indexOf(':') + 1)
        .replace(/#.*$/, '')
        .trim() === '';
    if (isHolder && dashes.length === 0 && (column < limit || (allowEqual && column === limit))) {
      path.unshift(key);
      limit = column;
      allowEqual = false;
    } else if (dashes.length > 0 && column <= limit && !allowEqual && (dashes[0] as number) < limit) {
      if (column < limit && isHolder) path.unshift(key);
      path.unshift('-');
      limit = dashes[0] as number;
      allowEqual = true;
    } else if (column < limit && dashes.length === 0) limit = Math.min(limit, column + (isHolder ? 0 : 1));
  }
  return path;
}
