/**
 * Version of the plugin interface, apart from the product's own. A minor version only adds optional things; a plugin
 * names the range that it was written for in its manifest (`"api": "^1.0.0"`).
 */
export const PLUGIN_API_VERSION = '1.2.0';
