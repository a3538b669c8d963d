import { parseArgs } from 'node:util';
import { startSink } from './sink/server.ts';

// The sink as its own process, so that its work is not counted as anyone else's: `--latency MS` delays answers,
// `--verify` computes and checks the CRC32 of all that comes.
const { values } = parseArgs({
  options: { latency: { type: 'string', default: '0' }, verify: { type: 'boolean', default: false } },
});
const sink = await startSink({ latencyMs: Number(values.latency), verify: values.verify });
process.stdout.write(`${JSON.stringify({ msg: 'listening', port: sink.port })}\n`);
