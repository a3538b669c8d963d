import { describe, expect, test } from 'vitest';
import { ExportWarnings } from '../../src/telemetry/export-warnings.ts';
import { collectLog } from '../support/collect-log.ts';

const MINUTE_MS = 60_000;

function create() {
  const { log, lines } = collectLog();
  const clock = { now: 0 };
  return { warnings: new ExportWarnings(log, () => clock.now), lines, clock };
}

describe('what the SDK complains of', () => {
  test('is logged at once, and then once a minute with how often it was not', () => {
    const { warnings, lines, clock } = create();
    for (let second = 0; second < 150; second++) {
      clock.now = second * 1000;
      warnings.warn(new Error('connect ECONNREFUSED'));
    }
    expect(lines.map(({ level, fields }) => [level, fields])).toEqual([
      ['warn', { problem: 'connect ECONNREFUSED' }],
      ['warn', { problem: 'connect ECONNREFUSED', suppressed: 59 }],
      ['warn', { problem: 'connect ECONNREFUSED', suppressed: 59 }],
    ]);
  });

  test('is told by the words of the error and its causes, and nothing else of it', () => {
    const { warnings, lines, clock } = create();
    const inner = Object.assign(new Error('inner'), { request: { headers: { authorization: 'secret' } } });
    warnings.warn(new Error('outer', { cause: inner }));
    clock.now += MINUTE_MS;
    warnings.warn(new AggregateError([new Error('::1 refused'), new Error('127.0.0.1 refused')]));
    expect(lines.map(({ fields }) => fields['problem'])).toEqual([
      'outer: inner',
      '::1 refused; 127.0.0.1 refused',
    ]);
  });

  test('comes by the logger of the API as well, warnings and errors alone', () => {
    const { warnings, lines, clock } = create();
    const logger = warnings.toDiagLogger();
    logger.debug('too much');
    logger.info('too much');
    logger.warn('Dropped 5 spans because maxQueueSize reached');
    clock.now += MINUTE_MS;
    logger.error('metrics export threw error', new Error('gone'));
    expect(lines.map(({ fields }) => fields['problem'])).toEqual([
      'Dropped 5 spans because maxQueueSize reached',
      'metrics export threw error gone',
    ]);
  });
});
