/** Characters of a credential, where its provider doesn't say otherwise. */
export const USUAL_CREDENTIAL = 512;
/** Characters that a provider may allow: a key file of Google has about 2,400. */
export const LONGEST_CREDENTIAL = 16_384;
