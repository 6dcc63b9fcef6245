"""A VLAN device for a kernel that makes none (8021q): tags what the namespace sends, untags what it gets.

    python3 vlan-device.py DEVICE VLAN        makes the TAP DEVICE.VLAN, prints "ready", runs until killed

Unfinished checksums and super-frames pass with their virtio header, whose offset moves by the tag.
"""
import errno
import fcntl
import os
import select
import socket
import struct
import sys

TUNSETIFF, TUNSETOFFLOAD = 0x400454CA, 0x400454D0
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
SOL_PACKET, PACKET_AUXDATA, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 263, 8, 15, 23
TP_STATUS_VLAN_VALID = 0x10
HEADER = struct.Struct("<BBHHHH")
NEEDS_CSUM = 1
MACS, TAG = 12, 4

device, vlan = sys.argv[1], int(sys.argv[2])

tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH", f"{device}.{vlan}".encode(), IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
fcntl.ioctl(tap, TUNSETOFFLOAD, 0)
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
for option in (PACKET_VNET_HDR, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING):
    wire.setsockopt(SOL_PACKET, option, 1)
wire.bind((device, 3))


def moved(header, by):
    flags, gso, head_bytes, gso_bytes, start, offset = HEADER.unpack(header)
    if flags & NEEDS_CSUM:
        start += by
    return HEADER.pack(flags, gso, head_bytes + by if head_bytes else 0, gso_bytes, start, offset)


def tagged():
    packet = os.read(tap, 1 << 17)
    header, frame = packet[:HEADER.size], packet[HEADER.size:]
    tag = struct.pack("!HH", 0x8100, vlan)
    wire.send(moved(header, TAG) + frame[:MACS] + tag + frame[MACS:])


def deliver(packet):
    try:
        os.write(tap, packet)
    except OSError as error:
        # Nobody has set it up yet: the wire is not silent until then, and a device that is down takes nothing.
        if error.errno != errno.EIO:
            raise


def untagged():
    packet, ancillary, _, _ = wire.recvmsg(1 << 17, 64)
    for level, kind, data in ancillary:
        if level != SOL_PACKET or kind != PACKET_AUXDATA:
            continue
        status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", data[:20])
        # The kernel has taken the tag out of the frame, and moved the header's offset itself.
        if status & TP_STATUS_VLAN_VALID and tci & 0xFFF == vlan:
            deliver(packet)


print("ready", flush=True)
while True:
    for ready in select.select([tap, wire], [], [])[0]:
        untagged() if ready is wire else tagged()
