// Preloaded in the processes and threads of a test run.
import { loadBundles } from './bundles.mjs';

loadBundles();
