import { beforeEach, describe, expect, test } from 'vitest';
import { type Offence, PENALTIES_MS, SourcePenalties } from '../../src/ssh/source-penalties.ts';

let now: number;
let penalties: SourcePenalties;

beforeEach(() => {
  now = 1_000_000;
  penalties = new SourcePenalties({ now: () => now, maxSources: 3 });
});

function punish(address: string, times: number, offence: Offence = 'refused'): void {
  for (let done = 0; done < times; done++) penalties.punish(address, offence);
}

describe('penalties of addresses', () => {
  test('somebody who mistypes twice may go on, with answers that come a little later', () => {
    punish('192.0.2.1', 2);
    expect(penalties.remaining('192.0.2.1')).toBe(0);
    expect(penalties.delay('192.0.2.1')).toBe(500);
    expect(penalties.delay('192.0.2.2')).toBe(0);
    expect(penalties.delay('192.0.2.2', 1)).toBe(250);
  });

  test('who goes on failing stays outside until the penalties are over', () => {
    punish('192.0.2.1', 4);
    expect(penalties.remaining('192.0.2.1')).toBe(4 * PENALTIES_MS.refused);
    expect(penalties.remaining('192.0.2.2')).toBe(0);
    now += 4 * PENALTIES_MS.refused;
    expect(penalties.remaining('192.0.2.1')).toBe(0);
    expect(penalties.delay('192.0.2.1')).toBe(0);
  });

  test('ten thousand failures are ten minutes, and no answer is later than three seconds', () => {
    punish('192.0.2.1', 10_000);
    expect(penalties.remaining('192.0.2.1')).toBe(600_000);
    expect(penalties.delay('192.0.2.1')).toBe(3_000);
  });

  test('only so many addresses are remembered: who was punished longest ago is forgotten', () => {
    punish('192.0.2.1', 5);
    punish('192.0.2.2', 5);
    punish('192.0.2.3', 5);
    punish('192.0.2.1', 1);
    punish('192.0.2.4', 5);
    expect(penalties.remaining('192.0.2.2')).toBe(0);
    expect(penalties.remaining('192.0.2.1')).toBe(6 * PENALTIES_MS.refused);
  });
});
