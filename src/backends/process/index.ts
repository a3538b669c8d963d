/**
 * Backends that live in another thread or process (docs/process-backends.md).
 * @module
 */
export type { ServeOptions } from './backend-session.ts';
export type { Channel, Message, Receiver } from './channel.ts';
export { createParentChannel } from './ipc-channel.ts';
export { createPortChannel } from './port-channel.ts';
export { createProcessBackend, type ProcessBackend, type ProcessBackendOptions } from './process-backend.ts';
export { PROTOCOL_VERSION } from './protocol.ts';
export { serveBackend, serveBackendOn } from './serve-backend.ts';
export { createSocketChannel } from './socket-channel.ts';
export type { ProcessTarget } from './start.ts';
