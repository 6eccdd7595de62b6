/**
 * Of a page that the daemon serves to its own users: everything comes from the daemon, and no site may embed it. Styles may
 * be inline because the kits that the pages are made with set them at run time; scripts may not.
 */
const OWN_PAGE = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self' 'unsafe-inline'",
  'font-src': "'self'",
  'img-src': "'self' data:",
  'connect-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
};

/** The Content-Security-Policy of such a page. @param changes directives that differ or are added */
export const pagePolicy = (changes: Readonly<Record<string, string>> = {}): string =>
  Object.entries({ ...OWN_PAGE, ...changes })
    .map(([directive, sources]) => `${directive} ${sources}`)
    .join('; ');
