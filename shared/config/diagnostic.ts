/** A stretch of the text; lines and columns count from 1. */
export interface TextRange {
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
}

/** One finding about a config text. `path` is dotted, with list positions as in `webrtc.layers[0].height`. */
export interface Diagnostic extends TextRange {
  /** `info`: worth knowing, nothing to correct. */
  severity: 'error' | 'warning' | 'info';
  /** Stable word, e.g. `unknown-key`. */
  code: string;
  message: string;
  path: string;
}

/** One finding as a sentence for people. */
export function sentenceOf(finding: Diagnostic): string {
  const subject = finding.path === '' ? '' : `${finding.path} `;
  return `line ${finding.line}, column ${finding.column}: ${subject}${finding.message}`;
}

/** `['webrtc', 'layers', 0]` → `webrtc.layers[0]`. */
export function dotted(path: readonly (string | number)[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}

/** The sentences of a result: the first error, and every warning of a valid text. */
export function wordsOf(diagnostics: readonly Diagnostic[]): { error: string | null; warnings: string[] } {
  const errors = diagnostics.filter((finding) => finding.severity === 'error');
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const error = errors[0] === undefined ? null : sentenceOf(errors[0]) + more;
  const warnings = diagnostics.filter((finding) => finding.severity === 'warning');
  return { error, warnings: error === null ? warnings.map(sentenceOf) : [] };
}
