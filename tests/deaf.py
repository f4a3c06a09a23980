# SPDX-License-Identifier: Apache-2.0
"""What systemd says on its own socket, but for the messages that get lost."""
import os
import socket
import struct
import threading

import host
from harness import Skip, libc

PRIVATE = "/run/systemd/private"
MS_BIND = 4096


def copy(source, to):
    while data := source.recv(65536):
        to.sendall(data)


def messages(stream):
    """Of D-Bus: the fixed part of the header tells the length of the rest."""
    while len(head := stream.read(16)) == 16:
        body, _, fields = struct.unpack("<III" if head[:1] == b"l" else ">III", head[4:])
        yield head + stream.read((fields + 7) // 8 * 8 + body)


def answer(source, to, lost):
    stream = source.makefile("rb")
    for line in iter(stream.readline, b""):
        to.sendall(line)
        if line.startswith(b"AGREE"):
            break
    for message in messages(stream):
        if lost not in message:
            to.sendall(message)


def quietly(function, *arguments):
    try:
        function(*arguments)
    except OSError:
        pass
    for end in arguments[:2]:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(listener, real, lost):
    while True:
        client, _ = listener.accept()
        systemd = socket.socket(socket.AF_UNIX)
        systemd.connect(f"/proc/self/fd/{real}")
        threading.Thread(target=quietly, args=(copy, client, systemd), daemon=True).start()
        threading.Thread(target=quietly, args=(answer, systemd, client, lost), daemon=True).start()


def deaf_to(box, member):
    """From now on what this test starts hears nothing from systemd in which this word is."""
    real = os.open(PRIVATE, os.O_PATH)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{box.dir}/systemd")
    listener.listen()
    host.private_mounts()
    if libc.mount(f"{box.dir}/systemd".encode(), PRIVATE.encode(), None, MS_BIND, None):
        raise Skip("the socket cannot be replaced")
    threading.Thread(target=serve, args=(listener, real, member.encode()), daemon=True).start()
