import type { Operation, ResultOf } from '../contract/operation.ts';
import { Core } from './core.ts';
import type { Download, DownloadOptions } from './download.ts';
import type { Input } from './input.ts';
import type { Call, ListCall } from './methods.ts';
import type { Opened } from './opened.ts';
import { plainOperation } from './plain-operation.ts';
import type { CallOptions, RequestInput } from './wire.ts';

type FileOperation = Operation & { produces: string };

/** The client for programs of this repository: they name operations by their declarations, so that they load only those that they use. */
export class ContractHub extends Core {
  /** Calls an operation: the same call as the method of `StreamHub` with its id. */
  call<O extends FileOperation>(op: O, input?: Input<O>, options?: DownloadOptions): Promise<Download>;
  call<O extends Operation>(op: O, input?: Input<O>, options?: CallOptions): Call<Opened<ResultOf<O>>>;
  call(op: Operation, input?: RequestInput, options?: CallOptions): unknown {
    // the build of the renderer has made them plain already
    const isPlain = (op.responses as object | undefined) === undefined;
    return this.start(isPlain ? op : plainOperation(op), input, options);
  }

  /** Downloads what a path answers with, with the credential. @param path from the server's root, with the query */
  file(path: string, options?: DownloadOptions): Promise<Download> {
    const op = { id: 'file', method: 'GET', path, root: true, produces: '*/*' };
    return this.start(op, {}, options) as Promise<Download>;
  }

  /** Calls a list, whose rows can be iterated over as well. */
  list<O extends Operation>(op: O, input?: Input<O>, options?: CallOptions): ListCall<Opened<ResultOf<O>>> {
    return this.call(op, input, options) as ListCall<Opened<ResultOf<O>>>;
  }
}
