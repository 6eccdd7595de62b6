// Entry of the one-file agent that machines fetch from the daemon.
import { edgeCommand } from './command.ts';

process.exitCode = await edgeCommand(process.argv.slice(2), import.meta.filename);
