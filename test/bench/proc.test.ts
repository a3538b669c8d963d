import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import {
  endedChildrenTicks,
  hasProc,
  parsePeakRss,
  parseStat,
  peakRss,
  processTree,
} from '../../bench/measure/proc.ts';

// proc(5): pid (comm) state ppid pgrp session tty_nr tpgid flags minflt cminflt majflt cmajflt utime stime ...
const STAT =
  '4242 (%) S 17 4242 17 0 -1 4194560 700 0 0 0 250 31 1200 44 20 0 11 0 9000 1000000 2500 18446744073709551615';

describe('parseStat', () => {
  test('reads the parent and the CPU time of the process and of its ended children', () => {
    expect(parseStat(STAT)).toEqual({ parent: 17, own: 281, children: 1244 });
  });

  test('is not misled by a command with spaces and parentheses', () => {
    expect(parseStat(STAT.replace('(%)', '(sshd: me) (x 1 2)'))).toEqual(parseStat(STAT));
  });
});

describe('parsePeakRss', () => {
  test('reads VmHWM, in bytes', () => {
    expect(parsePeakRss('VmPeak:\t  99999 kB\nVmHWM:\t   20480 kB\nVmRSS:\t  100 kB\n')).toBe(20 * 2 ** 20);
  });

  test('a kernel thread, which has none, gives nothing', () => {
    expect(parsePeakRss('Name:\tkthreadd\n')).toBeUndefined();
  });
});

describe.runIf(hasProc())('a running process', () => {
  test('has used memory', async () => {
    expect(await peakRss(process.pid)).toBeGreaterThan(2 ** 20);
  });

  test('that is gone has no memory', async () => {
    expect(await peakRss(2 ** 30)).toBeUndefined();
  });

  test('stands in a tree with its children', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    try {
      expect(await processTree(process.pid)).toContain(child.pid);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    expect(await processTree(process.pid)).not.toContain(child.pid);
  });

  test('is charged with the CPU time of a child that has ended', async () => {
    const before = await endedChildrenTicks(process.pid);
    execFileSync(process.execPath, ['-e', 'while (process.cpuUsage().user < 150_000);']);
    expect(await endedChildrenTicks(process.pid)).toBeGreaterThanOrEqual(before + 10);
  });
});
