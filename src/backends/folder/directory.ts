import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/**
 * An open directory, and the way to the names in it. `/proc/self/fd/<fd>/<name>` (proc_pid_fd(5)) is looked up in the very
 * directory that is open, whatever has become of its path meanwhile: what openat(2) does, which Node has not.
 */
export class Directory {
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Opens the folder that the operator names: links on the way to it are their business. */
  static async open(path: string): Promise<Directory> {
    return new Directory(await open(path, constants.O_RDONLY | constants.O_DIRECTORY));
  }

  /** A directory in this one. What is none, a link to one included, rejects `ENOTDIR`. */
  async enter(name: string): Promise<Directory> {
    const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
    return new Directory(await open(this.at(name), flags));
  }

  /** Where system calls find a name in it, until it is closed. `name` is a single one. */
  at(name: string): string {
    return `${this.self}/${name}`;
  }

  /** A link of the kernel's to the directory itself: readlink(2) gives its path. */
  get self(): string {
    return `/proc/self/fd/${this.#handle.fd}`;
  }

  /** Resolves when its names are as durable as its disk (fsync(2)). */
  sync(): Promise<void> {
    return this.#handle.sync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
