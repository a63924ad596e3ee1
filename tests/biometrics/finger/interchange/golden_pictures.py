"""Records of finger pictures, written byte by byte after the tables of the standard; what they hold is no picture."""

from __future__ import annotations

from biometrics.finger.interchange.pictures import Format

ISO_2005 = bytes.fromhex(
    "46495200 30313000"  # FIR, 010
    "000000000044"  # 68 bytes in all
    "1234 001f"  # scanner, level 31
    "01 02"  # one finger, per centimetre
    "00c5 00c5 00c5 00c5"  # scanned and kept at 197 pixels per cm
    "08 02 0000"  # 8 bits, WSQ
    "00000012"  # a view of 18 bytes:
    "07 02 01"  # left index, the first of two views
    "50 00"  # quality 80, live, plain
    "0190 01f4 00"  # 400 x 500
    "ffa0ffa1"
    "00000012 07 02 02 fe 09 0190 01f4 00 ffa0ffa2"  # the second: quality unknown, without contact
    "0000"  # behind the record
)
ISO_2011 = bytes.fromhex(
    "46495200 30323000"  # FIR, 020
    "0000004e 0001 01 01"  # 78 bytes in all, one representation, certificates are told, one finger
    "0000003e"  # of 62 bytes:
    "07e6 0c 1c 0c 20 2c 0024"  # 2022-12-28 12:32:44.036
    "00 0000 0000"  # scanner
    "01 30 0040 000f"  # one judgement: 48
    "02 0040 02 0040 03"  # two certificates
    "03 00 01"  # right middle, its first picture, per inch
    "01f4 01f4 01f4 01f4"  # 500 dpi
    "08 05 1d"  # 8 bits, JPEG 2000 without loss, unknown impression
    "00ee 0165"  # 238 x 357
    "00000004 ffd8ffd9"
    "0001 0004 00"  # five bytes of further data
)
GOLDEN = {Format.ISO_2005: ISO_2005, Format.ISO_2011: ISO_2011}
