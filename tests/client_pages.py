"""Reads a SQLCipher store's pages as its owner's key shows them: the file's and, if there is one, its log's."""

from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PAGE = 4096
#: SQLCipher 4 keeps 80 bytes at each page's end: a 16-byte IV, then a 64-byte HMAC.
RESERVED, IV = 80, 16
WAL_HEADER, FRAME_HEADER = 32, 24


def pages_in_clear(path: Path, key: bytes) -> bytes:
    """Every page of the database and of its write-ahead log, decrypted, one after another."""
    data = path.read_bytes()
    pages = [_page(data[at : at + PAGE], key, first=at == 0) for at in range(0, len(data), PAGE)]
    log = path.with_name(path.name + "-wal")
    if log.exists():
        frames = log.read_bytes()[WAL_HEADER:]
        step = FRAME_HEADER + PAGE
        for at in range(0, len(frames) - step + 1, step):
            number = int.from_bytes(frames[at : at + 4], "big")
            pages.append(_page(frames[at + FRAME_HEADER : at + step], key, first=number == 1))
    return b"".join(pages)


def _page(page: bytes, key: bytes, *, first: bool) -> bytes:
    start = 16 if first else 0  # the first page begins with the file's salt, in clear
    body, iv = page[start : PAGE - RESERVED], page[PAGE - RESERVED : PAGE - RESERVED + IV]
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    return decryptor.update(body) + decryptor.finalize()
