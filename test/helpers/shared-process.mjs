// A process that tests one file after the other, as shared-processes.mjs hands them out: the product's code is loaded, and
// made fast by V8, once for all of them.
import { createRequire } from 'node:module';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { describe } from 'node:test';
import { inspect } from 'node:util';

const [address, , timeout] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const socket = net.connect(address);
const answers = createInterface({ input: socket })[Symbol.asyncIterator]();
const tell = (message) => socket.write(`${JSON.stringify(message)}\n`);

/** The file under test, and all until now. */
let file;
const files = [];
const tellError = (error) => {
  const text = inspect(error);
  tell({ of: files.findLast((one) => text.includes(one)) ?? file, error: text });
};
process.on('uncaughtExceptionMonitor', tellError);
process.on('unhandledRejection', tellError);

/** Bytes; what tests leave behind makes each collection of garbage longer. */
const MOST_MEMORY = 700 * 2 ** 20;
let isFit = true;
while (isFit) {
  tell({ pid: process.pid });
  ({ value: file } = await answers.next());
  if (!file) break;
  files.push(file);
  const started = performance.now();
  // loaded while the group is made, so that its tests and hooks belong to it
  await describe(file, { timeout: Number(timeout) }, () => void require(file));
  // what took too long still runs, and would disturb the next
  isFit = performance.now() - started < Number(timeout) && process.memoryUsage.rss() < MOST_MEMORY;
}
socket.end();
