import type { MessagePort, Transferable, Worker } from 'node:worker_threads';
import type { Channel } from './channel.ts';

function sendTo(port: Pick<MessagePort, 'postMessage'>): Channel['send'] {
  return (message) => {
    const { buffer } = message.bytes ?? {};
    const transferred: Transferable[] = buffer instanceof ArrayBuffer ? [buffer] : [];
    port.postMessage(message, transferred);
  };
}

/** A channel over a `MessagePort`, `parentPort` of a worker for one. Payloads are transferred, not copied. */
export function createPortChannel(port: MessagePort): Channel {
  return {
    movesMemory: true,
    send: sendTo(port),
    receive: ({ message, closed }) => {
      port.on('messageerror', (cause) => closed(cause));
      port.once('close', () => closed());
      port.on('message', message);
    },
    close: async () => port.close(),
  };
}

/** A channel to a worker thread from the thread that has started it. Closing it ends the worker. */
export function createWorkerChannel(worker: Worker): Channel {
  return {
    movesMemory: true,
    send: sendTo(worker),
    receive: ({ message, closed }) => {
      worker.on('message', message);
      worker.on('messageerror', (cause) => closed(cause));
      // An 'exit' follows an 'error'; the first to tell knows why.
      worker.once('error', (cause) => closed(cause));
      worker.once('exit', (code) => closed(new Error(`the worker ended with code ${code}`)));
    },
    close: async () => void (await worker.terminate()),
  };
}
