"""Sends raw Ethernet frames from a device of this namespace, exactly as given.

    python3 send-frame.py DEVICE HEX...

Python, since Node has no AF_PACKET. A pause between frames keeps their order in every capture.
"""
import socket
import sys
import time

PAUSE_S = 0.005

sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
sender.bind((sys.argv[1], 0))
for frame in sys.argv[2:]:
    sender.send(bytes.fromhex(frame))
    time.sleep(PAUSE_S)
