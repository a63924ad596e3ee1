"""One file of each format, written by hand, field by field, from the tables in the modules' texts.

All say the same, as far as the format can: a capture of 300 x 400 pixels at 500 dpi of the right index finger, plain
and live, of quality 66; an ending of quality 90 at (100, 200) that points down, and a bifurcation of quality 70 at
(30, 40) that points left and up by 45 degrees. Down is 270 degrees counter-clockwise from the right, left and up 135.
"""

from __future__ import annotations

from biometrics.finger.interchange import Format

ENDING_XY, BIFURCATION_XY = "4064 00c8", "801e 0028"  # kind 1 and 100; kind 2 and 30
DOWN_256, LEFT_UP_256 = "c0", "60"  # 192 and 96 of 256
DOWN_180, LEFT_UP_180 = "87", "44"  # 135 and (67.5, rounded to even) 68 of 180
SIZE = "012c 0190"
RESOLUTION = "00c5 00c5"

ISO_2005 = (
    "464d5200 20323000 0000002a"  # FMR, 20, 42 bytes
    f"0000 {SIZE} {RESOLUTION} 01 00"
    "02 00 42 02"
    f"{ENDING_XY} {DOWN_256} 5a {BIFURCATION_XY} {LEFT_UP_256} 46"
    "0000"
)
ANSI_2004 = (
    "464d5200 20323000 002c"  # 44 bytes
    f"0103 0000 0000 {SIZE} {RESOLUTION} 01 00"
    "02 00 42 02"
    f"{ENDING_XY} {DOWN_180} 5a {BIFURCATION_XY} {LEFT_UP_180} 46"
    "0000"
)
ISO_2011 = (
    "464d5200 30333000 00000042 0001 00"  # 66 bytes, one representation, no certificates
    "00000033 ffffffffffffffffff 00 0000 0000"  # 51 of them
    "01 42 0000 0000"
    f"02 00 {RESOLUTION} 00 {SIZE} 61 02"
    f"{ENDING_XY} {DOWN_256} 5a {BIFURCATION_XY} {LEFT_UP_256} 46"
    "0000"
)
ANSI_2009 = (
    "464d5200 30333000 00000034"  # 52 bytes
    "0103 0000 00 0000 01 00"
    f"02 00 00 42 0103 0000 {SIZE} {RESOLUTION} 02"
    f"{ENDING_XY} {DOWN_180} 5a {BIFURCATION_XY} {LEFT_UP_180} 46"
    "0000"
)
# (100, 200) pixels are 5.08 and 10.16 mm, (30, 40) are 1.524 and 2.032.
ISO_CARD_NORMAL = "7f2e0c 810a 41fc 03f8 c0 8098 00cb 60"
ISO_CARD_COMPACT = "7f2e08 8106 33 66 70 0f 14 98"  # kind 1 and 48 of 64; kind 2 and 24 of 64
SOURCEAFIS = (
    "bf 6776657273696f6e 6b332e31382e312d6a617661"  # version: 3.18.1-java, in a map without a stated length
    "657769647468 19012c 66686569676874 190190"
    "6a706f736974696f6e7358 9f 1864 181e ff"
    "6a706f736974696f6e7359 9f 18c8 1828 ff"
    "6a646972656374696f6e73 9f fa3fc90fdb fa407b53d1 ff"  # pi / 2 and 5 pi / 4 in single precision
    "657479706573 624542 ff"
)
GOLDEN = {
    Format.ISO_2005: bytes.fromhex(ISO_2005),
    Format.ANSI_2004: bytes.fromhex(ANSI_2004),
    Format.ISO_2011: bytes.fromhex(ISO_2011),
    Format.ANSI_2009: bytes.fromhex(ANSI_2009),
    Format.ISO_CARD_NORMAL: bytes.fromhex(ISO_CARD_NORMAL),
    Format.ISO_CARD_COMPACT: bytes.fromhex(ISO_CARD_COMPACT),
    Format.SOURCEAFIS: bytes.fromhex(SOURCEAFIS),
}
RECORDS = (Format.ISO_2005, Format.ISO_2011, Format.ANSI_2004, Format.ANSI_2009)
CARDS = (Format.ISO_CARD_NORMAL, Format.ISO_CARD_COMPACT)
