/** Why a test that takes a minute of two processors is skipped; false with LONG_TESTS=1. The suite stays short without it. */
export const withoutLongTests = process.env['LONG_TESTS'] ? false : 'takes a minute: set LONG_TESTS=1 to run it';
