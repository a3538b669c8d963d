import { describe, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { StreamingBackend, Upload, WriteOptions } from '../../src/contract/backend.ts';
import { FsError } from '../../src/contract/errors.ts';
import {
  type ConformanceOptions,
  conformanceCases,
  createFaultPlan,
  createTestContext,
  type GivenSubject,
  runConformance,
  withFaults,
} from '../../src/testing/index.ts';

type Change<T> = (honest: T) => Partial<T>;

const context = createTestContext();
const replace: WriteOptions = { create: true, exclusive: false, truncate: true, append: false };

/** Memory, but for what `change` puts in place of its operations. */
function liar(change: Change<StreamingBackend>): StreamingBackend {
  const memory = createMemoryBackend();
  return { ...memory, ...change(memory) };
}

/** Memory, but for what `change` puts in place of the operations of its uploads. */
function uploadLiar(change: Change<Upload>): StreamingBackend {
  return liar((memory) => ({
    beginWrite: async (...args) => {
      const upload = await memory.beginWrite(...args);
      return Object.create(upload, Object.getOwnPropertyDescriptors(change(upload))) as Upload;
    },
  }));
}

/** Backends that break one promise each, and a case that must notice. */
const LIES: readonly (readonly [lie: string, createBackend: () => StreamingBackend, noticedBy: string])[] = [
  [
    'delDir that removes what is below',
    () =>
      liar((memory) => ({
        delDir: async (asker, path) => {
          for await (const page of memory.listDir(asker, path)) {
            for (const { name } of page) await memory.delete(asker, `${path}/${name}`);
          }
          await memory.delDir(asker, path);
        },
      })),
    'delDir rejects ENOTEMPTY for a directory that holds a file',
  ],
  [
    'rename that takes a missing source for done',
    () => liar((memory) => ({ rename: (...args) => memory.rename(...args).catch(() => undefined) })),
    'rename of a missing source rejects ENOENT',
  ],
  [
    'rename that replaces what it must not',
    () => liar((memory) => ({ rename: (asker, from, to) => memory.rename(asker, from, to) })),
    'rename with exclusive rejects EEXIST for whatever stands at the target, and changes nothing',
  ],
  [
    'rename that tells nothing of a file',
    () => liar((memory) => ({ rename: (...args) => memory.rename(...args).then(() => undefined) })),
    'rename tells what the store has of a file at its new name, and nothing of a directory',
  ],
  [
    'storedFile that takes a directory for a file',
    () =>
      liar((memory) => ({ storedFile: (...args) => memory.storedFile(...args).catch(() => ({ size: 0 })) })),
    'storedFile rejects ENOENT for what is missing and EISDIR for a directory',
  ],
  [
    'notes that outlive the content they were made for',
    () => {
      const notes = { colour: 'blue', 'second-note': '2026-01-02T03:04:05.006Z' };
      return liar((memory) => ({
        storedFile: async (...args) => ({ ...(await memory.storedFile(...args)), notes }),
      }));
    },
    'notes stay with a file through renames, and go with its content; a store may keep none',
  ],
  [
    'locate that knows one place',
    () => liar(() => ({ locate: () => ({ bucket: 'memory', key: 'file' }) })),
    'locate says where the store then has the file',
  ],
  [
    'ranges that ignore the etag',
    () =>
      liar((memory) => ({
        readFileRange: (asker, path, { offset, length }) =>
          memory.readFileRange(asker, path, { offset, length }),
      })),
    'readFileRange: with the etag of earlier content it rejects ESTALE',
  ],
  [
    'ranges that take length for the last offset',
    () =>
      liar((memory) => ({
        readFileRange: (asker, path, range) =>
          memory.readFileRange(asker, path, { ...range, length: range.length + 1 }),
      })),
    'readFileRange: a range of one byte',
  ],
  [
    'listings that stop after the first page',
    () =>
      liar((memory) => ({
        listDir: async function* (asker, path) {
          for await (const page of memory.listDir(asker, path)) {
            yield page;
            return;
          }
        },
      })),
    'a listing of more than one page holds every name once',
  ],
  [
    'uploads that make an empty file at once',
    () =>
      liar((memory) => ({
        beginWrite: async (asker, path, options) => {
          await memory.writeFile(asker, path, new Uint8Array(0));
          return memory.beginWrite(asker, path, { ...options, exclusive: false });
        },
      })),
    'an aborted upload of a new name leaves nothing',
  ],
  [
    'uploads that always truncate',
    () =>
      liar((memory) => ({
        beginWrite: (asker, path, options) => memory.beginWrite(asker, path, { ...options, truncate: true }),
      })),
    'without truncate, bytes not written keep their old value',
  ],
  [
    'exclusive judged at the beginning only',
    () =>
      liar((memory) => ({
        beginWrite: async (asker, path, options) => {
          await memory.beginWrite(asker, path, options);
          return memory.beginWrite(asker, path, { ...options, exclusive: false });
        },
      })),
    'of two exclusive uploads of one name the second to finish rejects EEXIST',
  ],
  [
    'writes that keep the buffer they were lent',
    () =>
      uploadLiar((upload) => {
        const kept: [number, Uint8Array][] = [];
        return {
          writeChunk: (offset, bytes) => void kept.push([offset, bytes]),
          finishWrite: async () => {
            for (const [offset, bytes] of kept) await upload.writeChunk(offset, bytes);
            return upload.finishWrite();
          },
        };
      }),
    'an upload of 1 bytes in chunks of 1 holds them',
  ],
  [
    'writes that take every chunk for the next one',
    () => uploadLiar((upload) => ({ writeChunk: (_, bytes) => upload.writeChunk(upload.size, bytes) })),
    'chunks written from the last to the first make the file',
  ],
  [
    'abort that stores what there is',
    () => uploadLiar((upload) => ({ abortWrite: () => upload.finishWrite().then(() => undefined) })),
    'an aborted upload leaves an earlier file as it was',
  ],
  [
    'setSize that does nothing',
    () => uploadLiar(() => ({ setSize: async () => undefined })),
    'setSize drops what lies past it',
  ],
  [
    'readChunk that knows no hole',
    () =>
      uploadLiar((upload) => ({
        readChunk: async (offset, length) =>
          (await upload.readChunk(offset, length)).map((byte) => (byte === 0 ? 0xff : byte)),
      })),
    'readChunk gives zeros for a hole',
  ],
  [
    'readChunk that fills up what is missing at the end',
    () =>
      uploadLiar((upload) => ({
        readChunk: async (offset, length) => {
          const bytes = new Uint8Array(Math.min(length, 2 ** 20));
          bytes.set(await upload.readChunk(offset, bytes.length));
          return bytes;
        },
      })),
    'readChunk is short at the end of the file, and empty at it and past it',
  ],
  [
    'readChunk that remembers what it gave first',
    () =>
      uploadLiar((upload) => {
        const given = new Map<string, Promise<Uint8Array>>();
        return {
          readChunk: (offset, length) => {
            const bytes = given.get(`${offset}`) ?? upload.readChunk(offset, length);
            given.set(`${offset}`, bytes);
            return bytes;
          },
        };
      }),
    'readChunk gives what was written last',
  ],
  [
    'setAttributes that does nothing',
    () => uploadLiar(() => ({ setAttributes: () => undefined })),
    'attributes set before the end are those of the file when it finishes',
  ],
  [
    'attributes that are forgotten when others are set',
    () =>
      uploadLiar((upload) => ({
        setAttributes: (given) => upload.setAttributes({ mtime: 1, mode: 0o644, ...given }),
      })),
    'the attributes set last win, and what they leave out stays as it was given',
  ],
  [
    'writeFile that takes no attributes',
    () => liar((memory) => ({ writeFile: (asker, path, bytes) => memory.writeFile(asker, path, bytes) })),
    'attributes given to writeFile are those of the file',
  ],
  [
    'copies that take whatever content there is',
    () =>
      uploadLiar((upload) => ({
        copyChunk: async (path, { offset, length }, to) => upload.copyChunk?.(path, { offset, length }, to),
      })),
    'copyChunk rejects ESTALE, at the end at the latest, when 20 bytes were replaced before it',
  ],
  [
    'copies that begin where the target does',
    () =>
      uploadLiar((upload) => ({
        copyChunk: async (path, range, to) => upload.copyChunk?.(path, { ...range, offset: to }, to),
      })),
    'copyChunk takes a range from the middle, without an etag too',
  ],
  [
    'copies of what is missing that are taken for done',
    () =>
      uploadLiar((upload) => ({
        copyChunk: async (...args) => upload.copyChunk?.(...args).catch(() => undefined),
      })),
    'copyChunk rejects ENOENT, at the end at the latest, for a missing file',
  ],
  [
    'a checksum of something else',
    () =>
      uploadLiar((upload) => ({
        finishWrite: async () => ({
          ...(await upload.finishWrite()),
          checksum: { algorithm: 'CRC32', value: 'AAAAAA==', type: 'FULL_OBJECT' },
        }),
      })),
    'finishWrite gives the size, and the etag and checksum of the file if any',
  ],
];

/** Memory, and a store below it that goes away: `change` says what a backend makes of that. */
function overStore(change: (memory: StreamingBackend, isAway: () => boolean) => Partial<StreamingBackend>) {
  let away = false;
  return {
    backend: liar((memory) => change(memory, () => away)),
    unreachable: async () => {
      away = true;
      return async () => {
        away = false;
      };
    },
  };
}

const gone = () => Promise.reject(new FsError('EIO', 'the store is away'));

/** What backends make of a store that is away, and a case that must notice. */
const LIES_IN_FAULTS: readonly (readonly [
  lie: string,
  change: Parameters<typeof overStore>[0],
  noticedBy: string,
])[] = [
  [
    'answers from nowhere',
    () => ({}),
    'while the store is unreachable fileInfo rejects EIO or ETIMEDOUT, and nothing has changed when it is back',
  ],
  [
    'a store that is away taken for an empty one',
    (memory, isAway) => ({
      readFile: (...args) =>
        isAway() ? Promise.reject(new FsError('ENOENT', 'nothing there')) : memory.readFile(...args),
    }),
    'while the store is unreachable readFile rejects EIO or ETIMEDOUT, and nothing has changed when it is back',
  ],
  [
    'a write that fails and is done all the same',
    (memory, isAway) => ({
      writeFile: async (...args) => {
        const stored = await memory.writeFile(...args);
        return isAway() ? gone() : stored;
      },
    }),
    'while the store is unreachable writeFile rejects EIO or ETIMEDOUT, and nothing has changed when it is back',
  ],
  [
    'an upload that is stored when the client was told of a failure',
    (memory, isAway) => ({
      beginWrite: async (...args) => {
        const upload = await memory.beginWrite(...args);
        const { finishWrite } = upload;
        upload.finishWrite = async () => {
          const stored = await finishWrite();
          return isAway() ? gone() : stored;
        };
        return upload;
      },
    }),
    'an upload that the store goes away under rejects by its end, and an earlier file stays as it was',
  ],
  [
    'an abort that stores what there is when it cannot clean up',
    (memory, isAway) => ({
      beginWrite: async (...args) => {
        const upload = await memory.beginWrite(...args);
        const { finishWrite, abortWrite } = upload;
        upload.abortWrite = async () => void (await (isAway() ? finishWrite() : abortWrite()));
        return upload;
      },
    }),
    'an upload that is aborted while the store is unreachable ends, and nothing appears when it is back',
  ],
  [
    'a backend that never recovers',
    (memory, isAway) => {
      let broken = false;
      return {
        fileInfo: (...args) => {
          broken ||= isAway();
          return broken ? gone() : memory.fileInfo(...args);
        },
      };
    },
    'once the store is back everything works again, without a new backend',
  ],
];

/** Runs the kit by hand; gives the names of what was registered and of what failed. */
async function runByHand<Subject extends GivenSubject>(
  options: ConformanceOptions<Subject>,
): Promise<{ names: string[]; failed: string[] }> {
  const registered: [string, () => Promise<void>][] = [];
  runConformance((name, run) => registered.push([name, run]), options);
  const failed: string[] = [];
  for (const [name, run] of registered) await run().catch(() => failed.push(name));
  return { names: registered.map(([name]) => name), failed };
}

describe('the conformance kit', () => {
  test('names every case once', () => {
    const names = conformanceCases.map((each) => each.name);
    expect(names).toEqual([...new Set(names)]);
  });

  test.each(LIES)('notices %s', async (_lie, createBackend, noticedBy) => {
    const { failed } = await runByHand({ createSubject: () => ({ backend: createBackend(), context }) });
    expect(failed).toContain(noticedBy);
    // A liar that fails everything would prove nothing.
    expect(failed.length).toBeLessThan(conformanceCases.length / 2);
  });

  test.each(LIES_IN_FAULTS)('notices %s', async (_lie, change, noticedBy) => {
    const { failed } = await runByHand({
      createSubject: () => overStore(change),
      faults: { unreachable: ({ unreachable }) => unreachable() },
    });
    expect(failed).toContain(noticedBy);
  });

  test('has nothing to say against a backend that fails as long as its store is away', async () => {
    const { names, failed } = await runByHand({
      createSubject: () => {
        const plan = createFaultPlan();
        return { backend: withFaults(createMemoryBackend(), plan), plan };
      },
      faults: {
        unreachable: async ({ plan }) => {
          const away = plan.fault({ fail: 'EIO' });
          return async () => away.release();
        },
      },
    });
    expect(failed).toEqual([]);
    expect(names.filter((name) => name.startsWith('NOT RUN'))).toEqual([]);
  });

  test('names what it has not run, and for want of what', async () => {
    const { names, failed } = await runByHand({
      createSubject: () => ({ backend: liar(() => ({ readFileRange: undefined as never })) }),
      without: ['readFileRange'],
    });
    expect(failed).toEqual([]);
    const notRun = names.filter((name) => name.startsWith('NOT RUN'));
    expect(notRun[0]).toBe('NOT RUN, for want of readFileRange: "the backend has readFileRange of its own"');
    expect(notRun.slice(1).map((name) => name.slice(0, 40))).toEqual(
      conformanceCases
        .filter(({ needs }) => needs === 'faults.unreachable')
        .map(() => 'NOT RUN, for want of faults.unreachable: '.slice(0, 40)),
    );
    expect(notRun.length).toBeGreaterThan(10);
  });

  test('fails a backend that has less than is said, or more', async () => {
    const less = await runByHand({
      createSubject: () => ({ backend: liar(() => ({ locate: undefined as never })) }),
    });
    expect(less.failed).toEqual(['the backend has locate of its own']);
    const more = await runByHand({
      createSubject: () => ({ backend: createMemoryBackend() }),
      without: ['locate', 'copyChunk'],
    });
    expect(more.failed).toContain('NOT RUN, for want of locate: "the backend has locate of its own"');
    expect(more.failed).toContain('NOT RUN, for want of copyChunk: "the backend has copyChunk of its own"');
  });

  test('lets a backend that keeps no attributes take them for nothing', async () => {
    const backend = () =>
      liar((memory) => ({
        writeFile: (asker, path, bytes) => memory.writeFile(asker, path, bytes),
        beginWrite: async (asker, path, { attributes: _, ...options }) => {
          const upload = await memory.beginWrite(asker, path, options);
          const { setAttributes } = upload;
          upload.setAttributes = () => setAttributes({});
          return upload;
        },
      }));
    const honest = await runByHand({
      createSubject: () => ({ backend: backend(), context, keepsAttributes: false }),
    });
    expect(honest.failed).toEqual([]);
    const silent = await runByHand({ createSubject: () => ({ backend: backend(), context }) });
    expect(silent.failed).toContain('attributes given to beginWrite are those of the file when it finishes');
  });

  test('runs what a deviation says in place of its case, and under its reason', async () => {
    const name = 'a file cannot be made below a missing directory';
    const asked: string[] = [];
    const { names, failed } = await runByHand({
      createSubject: () => ({ backend: createMemoryBackend(), context }),
      deviations: {
        [name]: {
          reason: 'ancestors are implicit',
          actual: async (subject) => {
            asked.push(subject.backend.name);
            await subject.backend.beginWrite(subject.context, '/missing/file', replace);
          },
        },
      },
    });
    expect(names).toHaveLength(conformanceCases.length);
    expect(names).not.toContain(name);
    expect(asked).toEqual(['memory']);
    // Memory does not deviate, so the test of the deviation is what fails.
    expect(failed).toEqual([`DEVIATION from "${name}": ancestors are implicit`]);
  });

  test.each(['no such case', 'toString', '__proto__x'])('refuses a deviation from %j', (name) => {
    const deviations = { [name]: { reason: 'none', actual: async () => undefined } };
    expect(() =>
      runConformance(() => undefined, {
        createSubject: () => ({ backend: createMemoryBackend(), context }),
        deviations,
      }),
    ).toThrow(`deviations from no case of the kit: ${name}`);
  });

  test('gives every case a subject of its own and closes it, also after a failure', async () => {
    let open = 0;
    let made = 0;
    const { failed } = await runByHand({
      createSubject: () => {
        made += 1;
        open += 1;
        return {
          backend: liar(() => ({ fileInfo: async () => Promise.reject(new Error('broken')) })),
          context,
          close: async () => {
            open -= 1;
          },
        };
      },
    });
    expect(made).toBe(conformanceCases.length);
    expect(failed.length).toBeGreaterThan(0);
    expect(open).toBe(0);
  });
});
