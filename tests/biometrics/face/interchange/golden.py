"""Records of face pictures, written byte by byte after the tables of the standard and not by the writer under test."""

from __future__ import annotations

from biometrics.face.interchange import Format

JPEG = bytes.fromhex("ffd8ffd9")
"""No picture, but what begins and ends one: records carry it as it is."""

ISO_2005 = (
    "46414300 30313000"  # FAC, 010
    "00000042 0001"  # 66 bytes in all, one picture
    "00000034"  # of 52 bytes:
    "0002"  # two landmarks
    "02 03 04"  # female, brown eyes (by number), hair of colour 4
    "000003"  # properties: specified, glasses
    "0001"  # expression: neutral
    "01 5b b4"  # yaw 0, pitch and roll by the standard's codes
    "02 03 04"  # how unsure they are
    "01 c1 0064 0078 0000"  # MPEG-4 12.1 at (100, 120)
    "01 c2 00a0 0079 0000"  # MPEG-4 12.2 at (160, 121)
    "01 00"  # full frontal, JPEG
    "0100 0140"  # 256 x 320
    "01 02 1234 0000"  # RGB, a digital camera, device 0x1234, no quality
    "ffd8ffd9"  # the picture
    "0000"  # what a file of fixed length has behind a record
)

ISO_2011 = (
    "46414300 30333000"  # FAC, 030
    "0000005a 0001 00 0000"  # 90 bytes in all, one representation, no certificates, no order in time
    "00000049"  # of 73 bytes:
    "07e6 0b 08 12 1c 1d 02b9"  # 2022-11-08 18:28:29.697
    "01 0102 0304"  # device
    "02"  # two judgements:
    "50 0001 0001"  # 80 by method 1 of maker 1
    "ff 0001 0002"  # method 2 failed
    "0001"  # one landmark
    "01 02 03 aa 000001 0001 02 b3 5b 01 01 01"  # male, eyes 2, hair 3, 170 cm, properties, expression, pose, unsure
    "01 c1 0064 0078 0000"  # MPEG-4 12.1 at (100, 120)
    "00 02"  # basic, JPEG 2000 without loss
    "00f0 0140"  # 240 x 320
    "78 0001 00 01"  # sampling, one thing done to it, made of no other, RGB
    "00000004 ffd8ffd9"  # the picture
)

GOLDEN = {Format.ISO_2005: bytes.fromhex(ISO_2005), Format.ISO_2011: bytes.fromhex(ISO_2011)}
