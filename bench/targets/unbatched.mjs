// Loaded before the built server: no job waits for another, each goes in a request of its own.
import { Batcher } from '../../dist/jobs/batcher.js';

const nothing = () => undefined;
Batcher.prototype.expect = () => nothing;
