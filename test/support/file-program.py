# SPDX-License-Identifier: MIT
"""What programs do with files that Node cannot: runs in the folder given, prints what it saw, a line a step."""
import ctypes
import fcntl
import mmap
import os
import sys

os.chdir(sys.argv[1])


def say(step, *seen):
    print(step, *seen, flush=True)


def maps():
    with open('lower', 'r+b') as file:
        shared = mmap.mmap(file.fileno(), 0)
        private = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        private[0:4] = b'none'
        shared[0:4] = b'seen'
        shared.flush()
        say('private', bytes(private[0:4]))
        private.close()
        shared.close()
    say('shared', open('lower', 'rb').read(8))
    reader = open('big', 'rb')
    before = mmap.mmap(reader.fileno(), 4096, access=mmap.ACCESS_READ)
    say('map of a lower', bytes(before[0:4]))
    with open('big', 'r+b') as writer:
        writer.write(b'copy')
    say('read through a descriptor from before the copy-up', os.pread(reader.fileno(), 4, 0))
    again = mmap.mmap(reader.fileno(), 4096, access=mmap.ACCESS_READ)
    say('mapped after it', bytes(again[0:4]))
    with open('new', 'w+b') as file:
        file.truncate(8192)
        both = mmap.mmap(file.fileno(), 8192)
        both[4096:4100] = b'page'
        both.close()
        say('written through a map', os.pread(file.fileno(), 4, 4096))


def direct():
    fd = os.open('direct', os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o644)
    page = mmap.mmap(-1, 4096)
    page.write(b'd' * 4096)
    say('O_DIRECT write', os.pwritev(fd, [page], 0))
    target = mmap.mmap(-1, 4096)
    say('O_DIRECT read', os.preadv(fd, [target], 0), bytes(target[0:3]))
    os.close(fd)


def locks():
    first, second = open('locked', 'w'), open('locked', 'r+')
    fcntl.flock(first, fcntl.LOCK_EX)
    try:
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        say('flock', 'twice')
    except BlockingIOError:
        say('flock', 'refused')
    fcntl.flock(first, fcntl.LOCK_UN)
    fcntl.lockf(first, fcntl.LOCK_EX, 10, 0)
    child = os.fork()
    if child == 0:
        try:
            fcntl.lockf(second, fcntl.LOCK_EX | fcntl.LOCK_NB, 5, 5)
            os._exit(0)
        except OSError:
            os._exit(7)
    say('fcntl lock of another process', os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def unlinked():
    fd = os.open('lower', os.O_RDWR)
    os.unlink('lower')
    os.pwrite(fd, b'gone', 0)
    os.fchmod(fd, 0o600)
    os.ftruncate(fd, 6)
    stat = os.fstat(fd)
    say('unlinked', oct(stat.st_mode), stat.st_size, stat.st_nlink, os.pread(fd, 8, 0))
    os.mkdir('dir')
    directory = os.open('dir', os.O_RDONLY | os.O_DIRECTORY)
    os.rmdir('dir')
    say('removed directory', os.fstat(directory).st_nlink, os.listdir(directory))
    try:
        os.open('x', os.O_CREAT | os.O_WRONLY, dir_fd=directory)
    except OSError as error:
        say('create in it', error.strerror)


def holes():
    before = os.stat('sparse')
    with open('sparse', 'ab') as file:
        file.write(b'x')
    after = os.stat('sparse')
    say('sparse', before.st_size, after.st_size, after.st_blocks < 64)
    fd = os.open('sparse', os.O_RDONLY)
    say('first data', os.lseek(fd, 0, os.SEEK_DATA) >= 1 << 20, 'hole', os.lseek(fd, 0, os.SEEK_HOLE))


def numbers():
    names = ['lower2', 'directory', 'link1']
    before = {name: os.stat(name).st_ino for name in names}
    os.chmod('lower2', 0o640)
    os.chmod('directory', 0o750)
    say('numbers stay', [os.stat(name).st_ino == before[name] for name in names[:2]])
    listed = {entry.name: entry.inode() for entry in os.scandir('.')}
    say('listed as shown', [listed[name] == os.stat(name).st_ino for name in names])
    os.chmod('link1', 0o600)
    say('links', os.stat('link1').st_nlink, os.stat('link2').st_nlink)


def listing():
    os.mkdir('many')
    for i in range(1000):
        open(f'many/{i:05}', 'w').close()
    seen, removed = [], 0
    with os.scandir('many') as entries:
        for entry in entries:
            seen.append(entry.name)
            os.unlink(f'many/{entry.name}')
            removed += 1
    say('removed while listed', len(seen), len(set(seen)), os.listdir('many'))


def times():
    os.utime('lower2', ns=(1_000_000_001, 2_000_000_003))
    stat = os.stat('lower2')
    say('times', stat.st_atime_ns, stat.st_mtime_ns)
    libc = ctypes.CDLL(None, use_errno=True)
    say('syncfs', libc.syncfs(os.open('.', os.O_RDONLY)))


for step in (numbers, maps, direct, locks, holes, unlinked, listing, times):
    step()
