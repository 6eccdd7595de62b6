/** What a config text may cost. Texts beyond these are refused before they are composed. */
export const CONFIG_LIMITS = {
  /** Characters of a text. */
  chars: 100_000,
  /** Lexical tokens, blanks and comments not counted. */
  tokens: 60_000,
  /** Nesting of lists and mappings. */
  depth: 32,
  /** Values, with every alias counted as what it stands for. */
  nodes: 20_000,
  /** Aliases: each costs the YAML library a walk over the document. */
  aliases: 100,
  /** Diagnostics that are reported. */
  diagnostics: 100,
} as const;
